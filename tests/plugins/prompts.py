"""Short prompts as people write them: a hundred collected ones in nine languages, and a grammar for any number more."""

from __future__ import annotations

from random import Random

COLLECTED = """\
a fox runs through the snow at night
A graceful white swan swimming in a serene lake at dawn, its reflection mirrored in the still water
close-up of an old man's hands carving wood, warm light, camera slowly zooms in
a red ball
two children play football on the beach at sunset
a street at night in the rain
a fairy tale of a fox
a pack of wolves chases a deer, anime style
a sign that reads "Stop, now." swings in the wind
neon
Dr. Smith, 42, opens the red door; then he leaves!
ocean waves crash against black rocks
a woman with a camera walks through Paris
a running shoe on a table
Anna dances
aerial view of Tokyo at night, 3 helicopters circle
the city wakes up
a cute girl smiles in a bakery
A samurai draws his sword in a bamboo forest
astronaut riding a horse on mars, 35mm, cinematic
macro shot of a dew drop sliding off a leaf
a cat
cat playing piano
an old steam train crosses a stone bridge in the mountains, black and white
time-lapse of clouds over a wheat field
a robot waters 12 sunflowers
A little girl in a yellow raincoat jumps into puddles
drone shot of a lighthouse during a storm
the camera pans across an abandoned library full of dust
a chef flips a pancake, slow motion
Einstein laughs
"Hello, world!" written in the sand, waves wash it away
Pixar style, a snail races against a turtle
a 1967 Ford Mustang drives along Route 66 at 5.30 pm
claymation of two penguins having tea
a candle flickers in a dark room
lightning strikes a tree
cherry blossoms fall on a koi pond
a blacksmith hammers a glowing sword, sparks fly, handheld camera
jellyfish drift in the deep blue sea
people cross Shibuya crossing in heavy rain, umbrellas, reflections
a wolf howls at the moon, then turns and walks away
an elephant and a mouse share an umbrella
a paper boat sails down the gutter
gingerbread village at Christmas, snow falling
extreme close-up: an eye opens
a skateboarder does a kickflip over a fire hydrant
a violinist plays on a rooftop in Vienna
fog rolls over San Francisco's Golden Gate Bridge
a bowl of ramen, steam rising, chopsticks lift the noodles
mountains
dog, beach, frisbee
a dragon sleeps on gold; a knight tiptoes past
it's raining
THE KING RETURNS!!!
a man in a grey suit reads a newspaper on the subway while everyone else dances
a hot-air balloon lifts off at first light
a cowboy's silhouette against the sun
butterfly emerging from its cocoon
Ein Fuchs rennt durch den Wald bei Nacht
Eine alte Frau backt Brot in ihrer Küche, warmes Licht
Zwei Kinder spielen im Schnee
Der Zug fährt über die Brücke, Nahaufnahme
Ein weißer Schwan gleitet über den See
Sonnenaufgang in den Alpen, Nebel im Tal
Das Märchen von einem kleinen Bären
une femme danse sous la pluie
Un renard court dans la neige la nuit
deux enfants jouent sur la plage, gros plan
le chat dort près de la fenêtre, caméra fixe
l'océan en colère
conte d'un petit ours
un zorro corre por el bosque de noche
Una niña con un vestido rojo baila en la plaza
dos perros juegan en la playa al atardecer
primer plano de un ojo
la ciudad de México desde el cielo
un caballo blanco galopa
una volpe corre nella neve
due bambini giocano sulla spiaggia al tramonto
primo piano di un fiore che sboccia
uma raposa corre na floresta à noite
uma menina dança na chuva
o mar ao amanhecer, câmera lenta
рыжая лиса бежит по лесу на рассвете
девочка танцует под дождём
Красная площадь ночью, снег
крупный план: глаз открывается
старик читает книгу у окна
一只狐狸在雪地里奔跑
女孩在雨中跳舞
东京夜景，航拍镜头
特写：一滴水落下
老人在厨房做饭
雪の中を走る狐
桜の木の下で踊る少女
夜の東京、雨
カメラがゆっくりズームする、古い寺
ثعلب يركض في الثلج
여우가 눈 속을 달린다""".splitlines()

SUBJECTS = (
    *("a fox", "two red foxes", "the old fisherman", "a group of dancers", "an orange cat with a bell", "Marie"),
    *("a sailboat", "a glass marble", "the lighthouse", "children", "a tiny robot", "my grandmother", "wild horses"),
)
ACTIONS = (
    *("runs", "walks slowly", "is sleeping", "jumping over a fence", "looks up and smiles", "turns into smoke", ""),
    *("carries 7 blue boxes", "waits", "dances with a broom", "falls, then gets up", "whispers a secret"),
)
PLACES = ("", "in the snow", "on a crowded street", "under water", "in a small kitchen", "near the sea", "on Mars")
TIMES = ("", "at night", "at dawn", "at sunset", "in the rain", "in thick fog")
ENDINGS = ("", ", close-up", ", the camera pans left", ", watercolour style", ", black and white", ". Birds pass by.")


def generated(count: int, seed: int = 0) -> list[str]:
    """Prompts from a small grammar."""
    rng = Random(seed)
    parts = (SUBJECTS, ACTIONS, PLACES, TIMES)
    return [" ".join(filter(None, map(rng.choice, parts))) + rng.choice(ENDINGS) for _ in range(count)]
