"""What is added to a prompt, part by part: phrases that suit a kind of subject, a motion, a place, a light.

None of them names a colour, a number or a person, so that nothing that was said can be contradicted; `{its}` is its or
their, `{s}` ends a verb. The first of each list is the short one, for where few words are left.
"""

from __future__ import annotations

from typing import Final

Phrases = dict[str, tuple[str, ...]]

FRAMINGS: Final[Phrases] = {
    "hands": ("Close-up", "Macro shot", "Extreme close-up"),
    "person": ("Medium shot", "Medium close-up", "Medium wide shot"),
    "animal": ("Medium shot", "Low-angle medium shot", "Medium wide shot"),
    "vehicle": ("Wide shot", "Low-angle wide shot", "Tracking wide shot"),
    "plant": ("Close-up", "Macro shot", "Medium close-up"),
    "water": ("Wide shot", "Low-angle wide shot", "Sweeping wide shot"),
    "landscape": ("Wide shot", "Establishing shot", "Sweeping wide shot"),
    "shape": ("Medium shot", "Centred medium shot", "Wide shot"),
    "thing": ("Medium shot", "Medium close-up", "Centred medium shot"),
}

ATTRIBUTES: Final[Phrases] = {
    "hands": (
        "every crease visible",
        "every line and crease of the skin clearly visible",
        "the skin finely textured, each finger moving with care",
    ),
    "person": (
        "{its} expression natural",
        "{its} expression calm and attentive, the fabric of {its} clothes clearly textured",
        "{its} skin and hair rendered in fine detail, {its} posture relaxed and natural",
        "{its} gestures small and believable, fine lines of the face softly modelled by the light",
    ),
    "animal": (
        "{its} eyes bright",
        "{its} eyes bright and alert, every fine detail of {its} body catching the light",
        "{its} body supple and full of quiet strength, the texture of {its} surface finely detailed",
        "{its} outline crisp against the background, breath and small movements clearly visible",
    ),
    "vehicle": (
        "{its} lines clean",
        "{its} surfaces marked by use, soft reflections sliding along {its} sides",
        "{its} lines clean and solid, small mechanical details catching the light",
    ),
    "plant": (
        "{its} surface delicate",
        "{its} surface delicate and finely veined, tiny droplets resting along the edges",
        "{its} edges translucent against the light, the smallest fibres clearly visible",
    ),
    "water": (
        "{its} surface alive",
        "{its} surface alive with shifting reflections, spray and foam finely detailed",
        "{its} depth clear to the eye, light breaking into countless moving facets",
    ),
    "landscape": (
        "{its} details crisp",
        "{its} details crisp from the foreground to the far distance, layer behind layer",
        "{its} shapes and textures distinct, with a strong sense of depth and scale",
    ),
    "shape": (
        "{its} edges crisp",
        "{its} edges crisp and {its} outline perfectly even",
        "{its} surface smooth, with a soft gradient from the lit side to the shaded one",
    ),
    "thing": (
        "{its} details crisp",
        "{its} materials and textures rendered in fine detail",
        "{its} outline crisp, small irregularities giving it a real, tangible presence",
    ),
}

DEVELOPMENTS: Final[Phrases] = {
    "travel": (
        "The movement gathers pace.",
        "The movement begins slowly, gathers pace, and carries on in one smooth, continuous line.",
        "At first the motion is gentle; then it grows surer and faster, weight and balance shifting naturally.",
    ),
    "perform": (
        "The rhythm builds.",
        "The rhythm starts quietly, builds with every beat, and ends in one clear, confident gesture.",
        "Each movement flows into the next, first restrained, then open and full of energy.",
    ),
    "hands": (
        "The work goes on, step by step.",
        "The work goes on step by step, each movement of the hands precise, unhurried and easy to follow.",
        "First a careful beginning, then a steady rhythm, until the result slowly takes form.",
    ),
    "social": (
        "Expressions shift gently.",
        "Expressions change gradually, from a first glance to an open, heartfelt reaction.",
        "A short pause comes first, then gestures and faces grow livelier, and the moment settles.",
    ),
    "still": (
        "Little moves.",
        "Little moves: a slow breath, a slight turn, a small shift of weight that makes the moment feel alive.",
        "Stillness comes first, then the smallest of movements, and stillness again.",
    ),
    "change": (
        "The change unfolds gradually.",
        "The change unfolds gradually: hardly visible at first, then unmistakable, and complete at the end.",
        "It begins with a first small sign, spreads step by step, and comes to rest.",
    ),
    "nature": (
        "The motion comes and goes.",
        "The motion comes in waves, swelling, breaking and easing off before it begins again.",
        "Movement spreads from one side to the other, never quite repeating itself.",
    ),
    "": (
        "Everything moves slightly.",
        "At first nearly everything is still; then small movements begin, and the scene slowly comes alive.",
        "The moment unfolds without haste, from a quiet beginning through gentle motion to a calm end.",
    ),
}

SETTINGS: Final[Phrases] = {
    "underwater": (
        "Water all around.",
        "All around, drifting particles and wavering shafts of light give the water depth.",
    ),
    "space": ("Deep space around.", "Around it, endless depth opens up, with distant points of light in the dark."),
    "forest": (
        "Trees all around.",
        "Trunks, ferns and moss frame the scene, the background dissolving softly between the trees.",
        "Leaves and branches fill the foreground, and the forest recedes layer by layer into the distance.",
    ),
    "mountain": (
        "Ridges in the distance.",
        "Rough rock and sparse growth lie in the foreground, ridge behind ridge fading into the distance.",
    ),
    "sea": ("A wide horizon.", "Water and shore stretch out to a wide horizon, salt haze softening the distance."),
    "water": ("Rippled water.", "Ripples run over the water, and the banks are mirrored in it, blurred and trembling."),
    "desert": ("Sand to the horizon.", "Wind-shaped sand stretches to the horizon, the heat trembling above it."),
    "snow": (
        "Untouched snow around.",
        "Untouched snow covers the ground, fine crystals glittering where the light falls.",
    ),
    "street": (
        "Buildings on both sides.",
        "Facades, windows and worn paving line the way, leading the eye into the depth of the picture.",
    ),
    "city": ("The city behind.", "Behind it the city rises in layers, windows and rooftops receding into haze."),
    "field": ("Open ground around.", "Grass and low plants sway in the foreground, the open ground reaching far back."),
    "sky": ("Open sky around.", "Open sky surrounds the scene, layers of cloud giving scale and depth."),
    "interior": (
        "A lived-in room.",
        "The room feels lived-in, with well-used objects and soft shadows in the background.",
        "Walls, furniture and small everyday objects frame the scene, gently out of focus.",
    ),
    "": (
        "A simple background.",
        "The surroundings are simple and believable, with clear depth between foreground and background.",
        "The background stays uncluttered and softly out of focus, so that nothing distracts from what happens.",
    ),
}

WEATHERS: Final[Phrases] = {
    "rain": ("Wet surfaces gleam.", "Drops streak through the air, and wet surfaces gleam with reflections."),
    "snow": ("Flakes drift by.", "Fine flakes drift through the air and settle without a sound."),
    "fog": ("Haze softens all.", "Haze softens every outline and swallows the far distance."),
    "wind": ("The air stirs.", "The moving air tugs at everything light and loose."),
}

LIGHTS: Final[Phrases] = {
    "night": (
        "Low night light, a quiet mood.",
        "Sparse light picks the shapes out of the dark, with deep shadows and a hushed, intimate mood.",
        "The light of the night is low and soft, edges glinting faintly; the mood is still and a little mysterious.",
    ),
    "dawn": (
        "Soft early light, a calm mood.",
        "The first light comes in low and soft, shadows are long, and the mood is calm and full of promise.",
        "A gentle early glow spreads along the horizon; the mood is fresh, quiet and hopeful.",
    ),
    "sunset": (
        "Low warm light, a tender mood.",
        "The low sun throws long shadows and a warm glow over everything; the mood is tender and nostalgic.",
        "Warm backlight draws a bright rim around every shape, and the mood is peaceful and slightly wistful.",
    ),
    "day": (
        "Clear light, an open mood.",
        "Clear natural light models every form with crisp shadows; the mood is bright and open.",
        "The light is bright and natural, with lively contrast; the mood is fresh and cheerful.",
    ),
    "interior": (
        "Soft window light, a calm mood.",
        "Soft light falls in from the side and fades gently into the room; the mood is calm and intimate.",
    ),
    "underwater": (
        "Filtered light, a dreamy mood.",
        "Light filters down in slow rays; the mood is weightless and dreamy.",
    ),
    "space": (
        "Hard light, a vast mood.",
        "One hard, distant source of light carves out every edge; the mood is vast and silent.",
    ),
    "": (
        "Soft light, a calm mood.",
        "Soft, directional light models every form, with gentle shadows; the mood is calm and focused.",
        "Even, natural light with subtle contrast gives the scene a quiet, attentive mood.",
    ),
}

CAMERAS: Final[Phrases] = {
    "travel": (
        "The camera follows.",
        "The camera follows at the same height and speed, smooth and steady.",
        "The camera tracks alongside, keeping its distance, then eases to a stop.",
    ),
    "still": (
        "The camera is static.",
        "The camera stays almost still, moving in very slowly.",
        "The camera is static on a tripod, letting the moment speak.",
    ),
    "": (
        "The camera moves in slowly.",
        "The camera moves in slowly and steadily, holding the subject in the middle of the frame.",
        "The camera glides in a slow arc, smooth and unhurried.",
    ),
}

CAMERA_SAID: Final = (
    "The move is smooth.",
    "The camera work stays smooth and unhurried from the first frame to the last.",
)

STORY_FRAMINGS: Final = ("Medium shot", "Medium close-up", "Low-angle shot", "Close-up", "Medium wide shot")
"""Of the shots of a story, in turn; one that opens a place and the last one are wide."""

ARCS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "person": (
        ("stand{s} still and look{s} around", "arrive{s} and take{s} in everything around"),
        ("begin{s} to walk, unhurried", "set{s} out with light steps"),
        ("stop{s} and look{s} closely at something near the ground", "kneel{s} down to look closer"),
        ("turn{s} around, as if something had called", "listen{s}, motionless"),
        ("walk{s} faster, determined", "break{s} into a run"),
        ("reach{es} out and gently touch{es} what is there", "raise{s} a hand against the light"),
        ("pause{s}, breathing calmly, and begin{s} to smile", "sit{s} down and rest{s}"),
        ("look{s} back one last time and walk{s} away", "walk{s} slowly into the distance"),
    ),
    "animal": (
        ("wake{s} and lift{s} {its} head", "appear{s} and look{s} around"),
        ("stretch{es} and set{s} off", "set{s} off at an easy pace"),
        ("stop{s} and listen{s}, motionless", "sniff{s} the air, alert"),
        ("come{s} closer, careful and curious", "circle{s} something hidden in the shadows"),
        ("break{s} into full motion", "dash{es} ahead with sudden speed"),
        ("turn{s} sharply and look{s} back", "leap{s} over an obstacle"),
        ("slow{s} down, breathing visibly", "come{s} to a halt and look{s} up"),
        ("settle{s} down and rest{s}", "disappear{s} slowly into the distance"),
    ),
    "vehicle": (
        ("come{s} into view in the distance", "wait{s}, still and ready"),
        ("set{s} off smoothly", "begin{s} to move"),
        ("gather{s} speed", "glide{s} past, close to the viewer"),
        ("take{s} a long bend", "tilt{s} gently from side to side"),
        ("rush{es} ahead at full speed", "push{es} on against the wind"),
        ("pass{es} through light and shadow", "cross{es} the picture from side to side"),
        ("slow{s} down", "come{s} about in a wide arc"),
        ("come{s} to rest", "disappear{s} slowly into the distance"),
    ),
    "": (
        ("come{s} into view", "fill{s} the picture, calm at first"),
        ("catch{es} the light", "begin{s} to stir"),
        ("change{s} slightly, detail by detail", "move{s} almost without notice"),
        ("stand{s} out against the background", "seem{s} to breathe"),
        ("move{s} with sudden energy", "reveal{s} a new side"),
        ("glow{s} in the shifting light", "tremble{s} and grow{s} still again"),
        ("settle{s}, quieter than before", "slow{s} down"),
        ("remain{s} behind as all else grows quiet", "fade{s} slowly into the distance"),
    ),
}
"""What a subject does in the course of a story, from its beginning to its end."""

MOMENTS: Final = (
    "The scene opens quietly.",
    "Closer now, the movement begins.",
    "Something new draws attention.",
    "The rhythm quickens.",
    "The decisive moment comes.",
    "The tension eases.",
    "Quiet returns.",
    "The scene ends in stillness.",
)
"""The same for a story whose subject is not understood."""

STORY_PLACES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "person": (
        ("in a narrow street", "street"),
        ("in a bright room", "interior"),
        ("on a hill above a valley", "mountain"),
        ("on an empty beach", "sea"),
        ("in a garden", "field"),
    ),
    "animal": (
        ("in a quiet forest", "forest"),
        ("in an open meadow", "field"),
        ("on the bank of a stream", "water"),
        ("on a rocky slope", "mountain"),
    ),
    "vehicle": (
        ("along a wide coast", "sea"),
        ("under an open sky", "sky"),
        ("between high mountains", "mountain"),
        ("over open country", "field"),
    ),
    "": (
        ("in a quiet room", "interior"),
        ("in a garden", "field"),
        ("under an open sky", "sky"),
    ),
}
"""Where a story may take place, with the kind of each place."""

EXTRAS: Final = (
    "The motion stays smooth and physically believable from beginning to end.",
    "Fine detail, natural contrast and a shallow depth of field keep the eye on what matters.",
    "Nothing is hurried, and every frame holds together with the next.",
    "Foreground, middle ground and background are clearly separated, and proportions stay constant.",
    "Shapes keep their form as they move, and the picture remains clean and stable throughout.",
)
"""For prompts that are too short even with every part."""
