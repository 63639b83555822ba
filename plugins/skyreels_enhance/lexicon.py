"""Words by which a prompt is understood, in eight languages: what is seen, where, when, and how it moves.

Each entry lists words without accents, in small letters; `stem*` stands for every word that begins so. Chinese and
Japanese words are looked for anywhere in the text, for nothing separates them.
"""

from __future__ import annotations

from typing import Final

from skyreels_cli.order.enhance.words import word_set

Lexicon = dict[str, str]

KINDS: Final[Lexicon] = {
    "hands": "hand hands finger* palm palms hande main mains mano manos mani mao maos рук* 手",
    "person": """man men woman women boy* girl* child children person people couple mother father grand* baby
        babies dancer* chef cook soldier* knight* king queen princess prince farmer* fisher* teacher* student*
        doctor* nurse* worker* astronaut* pilot* singer* pianist* musician* guitarist* drummer* actor* actress*
        warrior* samurai monk* wizard* witch* surfer* skater* runner* cyclist* athlete* player* crowd* family
        friend* lady gentleman ballerina* detective* pirate* painter* artist* blacksmith* barista* tourist* hiker*
        climber* violinist* traveler* traveller* mann manner frau frauen kind kinder junge madchen alter alte homme*
        femme* enfant* garcon fille danseu* hombre* mujer* nino* nina* abuel* uomo uomini donna donne bambin*
        ragazz* homem homens mulher* menin* crianca* мужчин* женщин* девочк* мальчик* ребен* дети девушк* старик*
        бабушк* танцор* человек люди 男 女 人 孩 老人 少年 少女 舞者 宇航员 子供 宇宙飛行士""",
    "animal": """animal* fox* wolf wolves dog* puppy puppies cat* kitten* horse* foal* bird* swan* eagle* owl*
        duck* goose geese heron* bear bears lion* lioness* tiger* elephant* giraffe* monkey* whale* dolphin* shark*
        fish fishes jellyfish turtle* tortoise* butterfly butterflies bee bees rabbit* hare* deer stag* cow* sheep
        goat* pig pigs hen hens rooster* squirrel* mouse mice hedgehog* penguin* frog* snake* lizard* dragon*
        unicorn* panda* koala* otter* seal seals octopus* crab* spider* dinosaur* crow* raven* parrot* flamingo*
        hummingbird* camel* zebra* leopard* cheetah* fuchs* hund* katze* pferd* vogel* schwan* baren eule* wal
        hirsch* renard* chien* chat chats cheval chevaux oiseau* cygne* loup* ours hibou* cerf* zorro* perro* gato*
        caballo* pajaro* cisne* lobo* oso osos buho* ballena* volpe volpi cane cani gatto gatti cavall* uccell*
        cigno lupo lupi raposa* cachorro* cavalo* passaro* лис* собак* кот* кошк* лошад* птиц* лебед* волк* медвед*
        сова олен* 狐 狗 猫 马 鸟 天鹅 狼 熊 鱼 龙 虎 鹿 鲸 犬 馬 鳥 白鳥 兔""",
    "vehicle": """car cars truck* bus buses train* tram* bicycle* bike* motorcycle* motorbike* scooter* ship*
        boat* sailboat* yacht* canoe* kayak* submarine* plane* airplane* aircraft jet jets helicopter* drone*
        rocket* spaceship* spacecraft starship* balloon* airship* taxi* tractor* tank tanks locomotive* carriage*
        sled* ferry wagon* robot* auto autos wagen zug schiff* boot boote flugzeug* fahrrad* rakete* voiture*
        camion* bateau* avion* velo fusee* coche* carro* tren trenes barco* avion* bicicleta* cohete* macchina
        macchine treno treni barca barche navio* машин* поезд* корабл* лодк* самолет* велосипед* ракет* 车 船 飞机
        火箭 飛行機 電車 列車 自転車 机器人 ロボット""",
    "plant": """flower* rose roses tulip* sunflower* tree* oak* leaf plant plants grass blossom* mushroom* vine*
        dandelion* cherry lotus cactus seed seedling* blume* baum baume bluten* fleur* arbre* flor flores arbol*
        fiore fiori alber* arvore* цвет* дерев* 花 树 木 桜 樱""",
    "water": """wave* waterfall* ocean* sea river* stream* fountain* raindrop* surf welle* wasserfall fluss
        vague* cascade* riviere* ola olas cascada* rio onda onde cascata* волн* водопад* река реки 波 浪 瀑布 河""",
    "landscape": """landscape* mountain* valley* forest* desert* canyon* city cities skyline* village* street*
        town* castle* island* beach* coast* field* meadow* sunset* sunrise* sky clouds galaxy nebula planet*
        volcano* glacier* house* cottage* temple* bridge* lighthouse* ruin* garden* kitchen* room library market*
        harbor* harbour* berg* wald stadt dorf landschaft strasse schloss montagne* foret* ville* rue chateau*
        plage* montana* bosque* ciudad* pueblo* calle* castillo* playa* montagna* foresta bosco citta spiaggia
        floresta* cidade* praia* гор* лес* город* деревн* улиц* замок* 山 森林 城市 街 村 城 海滩 沙漠 都市 町 海辺""",
    "shape": """circle* square* triangle* star stars ball balls cube* sphere* disc* dot dots ring rings shape*
        kreis* quadrat* dreieck* kugel* cercle* carre* boule* circulo* cuadrado* pelota* cerchio quadrato palla
        bola* круг* квадрат* треугольник* шар* 球 圆 方块 丸 四角""",
}
"""What a prompt is about; the first kind in this order that a word of the subject belongs to."""

PLURAL_NOUNS: Final = word_set(
    """men women children people mice geese wolves babies puppies leaves feet sheep fish deer cattle friends"""
)

PLACES: Final[Lexicon] = {
    "underwater": "underwater reef* seabed coral* unterwasser submarin* subacuat* подводн* 水下 海底 水中",
    "space": "space orbit* galaxy moon mars planet* nebula* cosmos weltraum espacio spazio espaco космос* 太空 宇宙",
    "forest": "forest* woods jungle* rainforest* grove wald* foret* bosque* bosco foresta floresta* лес* 森林 树林",
    "mountain": """mountain* alps hill hills summit* peak* cliff* canyon* valley* berg* gebirge montagne*
        colline* montana* montagna colina* гор* холм* 山 谷""",
    "sea": """sea ocean* beach* coast* shore* harbor* harbour* meer strand mer plage* mar playa* mare spiaggia
        praia* мор* пляж* 海""",
    "water": """lake* river* pond* stream* canal* waterfall* teich fluss lac riviere* lago* rio lagoa fiume озер*
        рек* 湖 河 池 川""",
    "desert": "desert* dune* sahara wuste* desierto* deserto пустын* 沙漠 砂漠",
    "snow": """snow snowy ice icy glacier* arctic antarctic* schnee eis neige glace nieve hielo neve ghiaccio
        снег* снеж* лед* льд* 雪 冰 氷""",
    "street": """street* road* alley* highway* crosswalk* pavement* bridge* strasse* gasse* rue* route* calle*
        carretera* strada* rua* estrada* улиц* дорог* 街 路 道""",
    "city": """city cities skyline* downtown town* rooftop* tokyo paris london york berlin stadt* ville* ciudad*
        citta cidade* город* 城市 都市 东京 東京""",
    "field": """field* meadow* garden* park parks farm* grass grassland* prairie* savanna* wiese* feld* garten
        prairie* champs jardin* campo* prado* prato giardino jardim пол* луг* сад* парк* 草原 田 花园 公园 公園 庭""",
    "sky": "sky clouds himmel ciel cielo ceu небо* 天空 空 云 雲",
    "interior": """room* kitchen* house* library* studio* office* restaurant* cafe* church* cathedral* temple*
        hall* workshop* bakery* bedroom* stage* theater* theatre* museum* laboratory lab classroom* market* table*
        desk* window* zimmer kuche haus* chambre* cuisine* maison* cocina* casa* habitacion* cucina stanza cozinha*
        quarto комнат* кухн* дом* 房间 厨房 家 室 部屋 台所 图书馆""",
}
"""Kinds of places by the words that name them."""

TIMES: Final[Lexicon] = {
    "night": """night* midnight moonlight* moonlit starlight starry nacht* nachts mondlicht nuit* nocturn* noche*
        luna notte noite ноч* лун* 夜 晚上 月光""",
    "dawn": """dawn sunrise* daybreak morning* morgen* dammerung aube matin* amanecer* manana alba mattin*
        amanhecer manha рассвет* утр* 黎明 清晨 早晨 日出 朝 夜明け""",
    "sunset": """sunset* dusk twilight evening* golden_hour sonnenuntergang* abend* crepuscule* soir* atardecer*
        tarde ocaso tramonto sera entardecer por_do_sol закат* вечер* 日落 黄昏 傍晚 夕 夕日""",
    "day": """day daylight noon midday afternoon* sunny sunlight sunlit sonne sonnig* mittag soleil jour sol
        soleado sole giorno dia день солнц* солнеч* 白天 阳光 中午 昼""",
}
"""Times of day by the words that name them."""

WEATHER: Final[Lexicon] = {
    "rain": """rain* drizzle thunder* regen* regnet pluie pleut lluvia* llueve pioggia piove chuva* дожд* 雨""",
    "snow": """snowfall* snowing snows blizzard* snowflake* snowstorm* schneit schneefall* schneesturm nieva
        nevando nevica метел* снегопад* 下雪 雪花 雪が降""",
    "fog": "fog* mist misty haze* hazy nebel* neblig* brouillard brume* niebla nebbia neblina nevoa туман* 雾 霧",
    "wind": """wind* windy breeze* breezy gust* sturm vent viento* vento ветер* ветр* 风 風 storm* thunder*
        lightning gewitter orage tormenta гроз* 暴风 嵐""",
}
"""Weather by the words that name it."""

ACTIONS: Final[Lexicon] = {
    "travel": """run walk gallop jump leap fly swim sail drive ride race drift float glide roll slide climb crawl
        chase march jog sprint dive soar cross move go travel wander stroll skate surf ski hop trot rush enter leave
        arrive approach descend ascend rise fall pass cycle hover land follow return come bounce swing circle orbit
        launch skip slip stumble trip tumble sink swoop pounce stalk paddle row drown flap hunt charge""",
    "perform": """dance sing play perform spin twirl juggle fight fence kick throw catch bow clap strum drum bark
        howl roar""",
    "hands": """cook paint write knit carve build bake brew pour cut chop sew repair draw fold sharpen forge stir
        knead type wash feed hold lift open close carry push pull touch give bring take put pick hang dig water
        plant harvest weave clean polish serve slice peel grill fry toast decorate assemble weld hammer sculpt
        photograph""",
    "social": "talk speak smile laugh hug kiss whisper cry argue shout greet wave nod celebrate applaud cheer teach",
    "still": """sit stand lie sleep wait rest watch look gaze read think meditate stare listen perch pose stay
        kneel pray breathe yawn stretch wake blink purr nest graze study""",
    "change": """grow bloom melt burn explode erupt transform unfold wilt freeze collapse shatter turn dissolve
        emerge appear disappear fade shrink expand ignite hatch crack break thaw spill overflow""",
    "nature": """crash flow ripple swirl blow sway flicker glow shimmer rustle splash shine sparkle blaze drip
        leak pulse beat""",
    "other": """share hide love eat drink meet find search explore discover begin start stop get keep try help
        work hum whistle vibrate nibble chew lick peck sniff point reach raise lower shake lead bend wear aim shoot
        attack defend dock board steep""",
}
"""English verbs in their base form, of which the others are made, by what they mean for a picture."""

FOREIGN_ACTIONS: Final[Lexicon] = {
    "travel": """lauft rennt geht springt fliegt schwimmt fahrt reitet klettert gleitet court marche marchent
        saute vole nage roule traverse corre corren camina caminan salta vuela vuelan nada navega cruza corrono
        cammina vola nuota cavalca correndo anda caminha voa voam беж* бег* идет идут прыга* лети* летя* летае*
        плыв* плава* еде* скач* 跑 走 飞 游 跳 骑 驶 奔 歩 泳 飛 駆""",
    "perform": """tanzt tanzen spielt spielen singt danse dansent chante joue jouent baila bailan canta cantan
        toca juega juegan balla ballano suona gioca giocano danca dancam brinca танц* поет поют играе* играю* 跳舞
        唱 弹 踊""",
    "hands": """kocht malt schreibt backt baut strickt cuisine peint ecrit cocina pinta escribe cucina dipinge
        scrive cozinha escreve готов* рису* пиш* 画 写 做饭 料理""",
    "social": """spricht lacht lachelt weint parle rit sourit pleure habla rie sonrie llora abraza parla ride
        sorride fala sorri chora говор* смеет* улыба* плач* 说 笑 哭 拥抱 話""",
    "still": """sitzt steht liegt schlaft wartet liest schaut assis assise debout dort attend regarde sentado
        sentada duerme espera mira dorme siede legge guarda olha сиди* сто*т леж* спит спят жде* чита* смотр* 坐 站
        躺 睡 等 看 读 座 立 眠 読""",
    "change": """wachst bluht schmilzt brennt explodiert pousse fleurit fond brule crece florece derrite arde
        cresce fiorisce brucia растет расцвета* тает горит взрыв* 绽放 融化 燃烧 爆 咲 燃 溶""",
    "nature": "tosen fliesst rauscht coule coulent fluye scorre flui течет шумит 流 吹 闪",
}
"""The same in other languages, in the forms in which prompts have them."""

AMBIGUOUS: Final = word_set(
    """waves leaves lights rocks rings springs drops drinks cooks flies plants cuts hands plays dances turns stands
    rests swings falls runs walks rides looks works points fires shoots waters shows races rows drums bows boards
    fences films records boxes lands nests skates skis sails dives crosses circles brews charges cheers lies slices
    saws slips trips"""
)
"""Third persons that may be nouns as well: taken for verbs only where a word follows that verbs go with."""

DETERMINERS: Final = word_set(
    """a an the this that these those his her its their our my your one two three four five"""
)
PREPOSITIONS: Final = word_set(
    """in on at by with of from to into onto over under across through along around near beside behind before after
    between among above below against toward towards past inside outside beneath up down off out during beyond amid
    within"""
)

CAMERA: Final = (
    r"camera|zoom\w*|pan(?:s|ning|ned)?\b|dolly|dollies|tracking shot|crane shot|steadicam|handheld|hand-held|gimbal|"
    r"lens\b|kamera\w*|caméra|cámara|câmera|telecamera|камер\w*|镜头|鏡頭|カメラ"
)
"""A clause with one of these says how the camera moves."""

FRAMING: Final = (
    r"close-?\s?ups?|(?:extreme |medium |full )?(?:wide|long|full|medium|establishing|overhead|aerial|drone|tracking|"
    r"over-the-shoulder|low-angle|high-angle|macro|crane|static|two|point-of-view|pov)[ -](?:shot|angle|view)s?|macro|"
    r"bird'?s[ -]eye|worm'?s[ -]eye|nahaufnahme|totale|gros plan|plan large|primer plano|plano general|primo piano|"
    r"campo lungo|крупн\w+ план\w*|общ\w+ план\w*|特写|特寫|全景|クローズアップ"
)
"""A clause with one of these says what the picture holds."""

MONOCHROME: Final = (
    r"black[ -]and[ -]white|monochrom\w*|noir\b|grayscale|greyscale|schwarz-?weiß|noir et blanc|blanco y negro"
)
STYLE: Final = (
    r"anime|cartoon|claymation|clay|stop[ -]motion|watercolou?r\w*|oil painting|pixel[ -]art|sketch|comic|illustration|"
    r"cel[ -]shaded|3d render\w*|pixar|ghibli|lego|origami|paper[ -]cut|felt|puppet\w*|low[ -]poly|ukiyo-e|vaporwave|"
    r"zeichentrick|aquarell\w*|dessin animé|dibujos animados|аниме|мультфильм\w*|动画|動畫|水墨|アニメ"
)
"""Looks that are no photograph; nothing may be added that asks for one."""

TALE: Final = (
    r"(?:a |an |the )?(?:short |little |bedtime )?(?:fairy[ -]?tale|tale|story|film|movie|short|clip|video|legend|"
    r"fable|documentary|adventure|portrait|scene|märchen|geschichte|conte|histoire|cuento|historia|fiaba|storia|"
    r"conto|сказк\w*|история|историю)\s+(?:of|about|with|on|von|über|d'|de|du|sobre|di|su|о|об|про)\s+"
)
"""How people begin who ask for a story; what follows is its subject."""
