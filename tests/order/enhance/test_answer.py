"""What models wrap around an answer comes off, and nothing else."""

from __future__ import annotations

import pytest

from skyreels_cli.order.enhance.answer import Paragraph, cleaned, paragraphs, shortened
from skyreels_cli.order.enhance.words import count_words, lost_words, token_estimate

FOX = "Medium shot: a red fox runs through the snow."


@pytest.mark.parametrize(
    "answer",
    [
        FOX,
        f'"{FOX}"',
        f"“{FOX}”",
        f"Here is the enhanced prompt:\n\n{FOX}",
        f"Sure! Here's your prompt: {FOX}",
        f"Certainly!\n\n**Enhanced Prompt:** {FOX}",
        f"Prompt: {FOX}",
        f"```text\n{FOX}\n```",
        f"## Prompt\n\n{FOX}".replace("## Prompt\n\n", "Enhanced prompt:\n"),
        f"- {FOX}",
        f"> {FOX}",
        f"**{FOX}**",
        "Medium shot: a *red fox* runs through the __snow__.",
        "Medium shot: a [red fox](http://example.com) runs through the snow.",
        f"<think>The user wants a fox.\nI will write it.</think>\n{FOX}",
        f"{FOX}<|im_end|>",
        f"<prompt>{FOX}</prompt>",
        f"{FOX}\n\nLet me know if you would like another version!",
        f"{FOX}\n\nNote: I kept all facts.",
        f"{FOX} (12 words)",
        f'{{"prompt": "{FOX}"}}',
        f"\x1b[31m{FOX}\x1b[0m\x07",
        f"\u202e{FOX}\u200b",
        f"---\n{FOX}\n---",
    ],
)
def test_wrappings_come_off(answer: str) -> None:
    (paragraph,) = paragraphs(answer, 1)
    assert paragraph == Paragraph(FOX)


@pytest.mark.parametrize(
    "text",
    [
        'A sign reads "Stop". A man reads "Go".',
        "The note: a small yellow paper on the door.",
        "2 * 3 * 4 cubes stand in a row.",
        "A prompt: on an old green screen, letters appear.",
    ],
)
def test_what_belongs_to_the_text_stays(text: str) -> None:
    assert lost_words(text, cleaned(text)) == []


STORY = [Paragraph("A fox wakes."), Paragraph("A fox runs.", cut=False), Paragraph("A fox sleeps in a den.", cut=True)]


@pytest.mark.parametrize(
    "answer",
    [
        "A fox wakes.\n\nTHEN: A fox runs.\n\nCUT: A fox sleeps in a den.",
        "A fox wakes.\nTHEN: A fox runs.\nCUT: A fox sleeps in a den.",
        "Here is the storyboard:\n\n1. A fox wakes.\n\n2. THEN: A fox runs.\n\n3. CUT: A fox sleeps in a den.",
        "**Shot 1:** A fox wakes.\n\n**Shot 2:** THEN: A fox runs.\n\n**Shot 3:** CUT: A fox sleeps in a den.",
        "Shot 1\n\nA fox wakes.\n\nTHEN: Shot 2: A fox runs.\n\nCUT: Shot 3: A fox sleeps in a den.",
        "A fox wakes.\n\nTHEN:\n\nA fox runs.\n\nCUT:\n\nA fox sleeps in a den.",
    ],
)
def test_a_story_is_split_into_its_shots(answer: str) -> None:
    assert paragraphs(answer, 3) == STORY


def test_a_sentence_that_comes_again_is_said_once() -> None:
    assert paragraphs("A fox runs. It snows. A fox runs. A fox runs.", 1) == [Paragraph("A fox runs. It snows.")]


def test_long_texts_are_cut_behind_a_sentence() -> None:
    text = " ".join(f"Sentence number {number} has six words." for number in range(400))
    cut = shortened(text, 150, 512)
    assert 140 <= count_words(cut) <= 150
    assert cut.endswith("words.")
    assert token_estimate(shortened(text, 2000, 512)) <= 512
    assert count_words(shortened("word " * 2000, 150, 512)) == 150


def test_nothing_is_nothing() -> None:
    assert paragraphs("", 1) == paragraphs("  \n```\n```\n ", 1) == paragraphs("<think>hm", 3) == []


def test_words_are_counted_in_any_script() -> None:
    assert count_words("a red fox's den, 3.5 m") == 6
    assert count_words("一只狐狸在雪地里奔跑") == 5
    assert lost_words("狐狸 in 3 boxes", "a 红狐狸 with boxes") == ["3"]
