"""Shots of a story that belong together, and those that do not."""

from __future__ import annotations

import pytest

from skyreels_cli.order.enhance.answer import Paragraph
from skyreels_cli.order.enhance.continuity import breaks, mended
from skyreels_cli.order.enhance.enhance import Wish, enhance
from skyreels_cli.order.enhance.providers import choose_provider
from skyreels_cli.order.enhance.words import count_words
from skyreels_cli.order.enhance.writer import open_writer

from .test_enhance import Scripted

PROMPT = "a tale of a red fox"
FIRST = (
    "Wide shot of a red fox with thick fur in a snowy forest. The fox lifts its head, listens for a while, and begins "
    "to walk. The light of the moon lies blue on the snow. The camera follows the fox, slow and steady."
)
SECOND = (
    "Close-up of the red fox in the same snowy forest, its breath white in the cold air. It sniffs at the foot of a "
    "tree, scratches, and looks up. The light of the moon is pale. The camera stays still."
)
ELSEWHERE = (
    "Medium shot of the red fox at the edge of a village. It creeps along a fence, stops, and listens to the houses. "
    "The lamps behind the windows glow. The camera moves along with it."
)
NO_SUBJECT = SECOND.replace("red fox", "animal")
NO_PLACE = SECOND.replace("in the same snowy forest", "").replace("at the foot of a tree", "")
NO_LIGHT = SECOND.replace("The light of the moon is pale. ", "")


def shots(*texts: str, cut: int | None = None) -> list[Paragraph]:
    return [Paragraph(text, number == cut) for number, text in enumerate(texts)]


def told(*texts: str) -> str:
    """As a language model answers."""
    return "\n\nTHEN: ".join(texts)


@pytest.mark.parametrize(
    ("second", "cut", "wrong"),
    [
        (SECOND, False, []),
        (ELSEWHERE, True, []),
        (ELSEWHERE, False, ["the place again (forest, snow, snowy)", "the light again (light, moon)"]),
        (NO_SUBJECT, False, ["does not name fox, red"]),
        (NO_PLACE, False, ["the place again"]),
        (NO_LIGHT, False, ["the light again (light, moon)"]),
        (NO_LIGHT, True, ["nothing of the light"]),
    ],
)
def test_what_a_shot_leaves_out(second: str, cut: bool, wrong: list[str]) -> None:
    story = [*shots(FIRST, second, cut=1 if cut else None), Paragraph(SECOND)]
    found = [gap.text for gap in breaks(PROMPT, story)]
    own = [text for text in found if text.startswith("shot 2 ")]
    assert len(own) == len(wrong)
    assert all(part in text for part, text in zip(wrong, own, strict=True))


@pytest.mark.parametrize("second", [NO_PLACE, NO_LIGHT])
def test_place_and_light_are_said_again_in_the_words_of_the_shot_before(second: str) -> None:
    before = shots(FIRST, second, SECOND)
    after = mended(PROMPT, before, 60)
    assert breaks(PROMPT, after) == []
    assert [after[0], after[2]] == [before[0], before[2]]
    assert count_words(after[1].text) <= 60


def test_a_story_is_asked_for_again_then_mended() -> None:
    answer = told(FIRST, NO_LIGHT, SECOND)
    writer = Scripted(answer, answer)
    done = enhance(Wish(prompt=PROMPT, shots=3), writer, "scripted")
    assert "shot 2 does not name the light again (light, moon)" in writer.tasks[1].messages[-1]["content"]
    assert done.paragraphs[1].text == f"{NO_LIGHT} The light of the moon lies blue on the snow."
    assert (done.provider, done.notes) == ("scripted", ())


def test_a_subject_that_stays_away_is_told() -> None:
    answer = told(FIRST, NO_SUBJECT, SECOND)
    done = enhance(Wish(prompt=PROMPT, shots=3), Scripted(answer, answer), "scripted")
    assert done.notes == ("shot 2 does not name fox, red",)
    good = told(FIRST, SECOND, SECOND)
    assert enhance(Wish(prompt=PROMPT, shots=3), Scripted(answer, good), "scripted").notes == ()


@pytest.mark.parametrize("prompt", ["a fairy tale of a fox", "a swan on a lake at dawn", "two boats", "a red ball"])
def test_stories_by_rules_belong_together(prompt: str) -> None:
    with open_writer(choose_provider("rules")) as writer:
        for seed in range(12):
            done = enhance(Wish(prompt=prompt, shots=2 + seed % 5, seed=seed), writer, "rules")
            assert breaks(prompt, done.paragraphs) == []
