"""How a language is written outside of books, and the languages that live beside it: by their most frequent words.

An identifier that was trained on encyclopaedias knows neither speech nor SMS, and takes creoles and old states of a
language for noise. Function words tell them apart: every third word of a running text is one.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Relative(NamedTuple):
    """A language or a state of one that is collected together with a language of the house."""

    tag: str
    """BCP 47."""

    words: frozenset[str]
    """Frequent words in lower case, the apostrophe written as U+0027 where it ends a word."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLLOQUIAL: Mapping[str, frozenset[str]] = {
    "fr": _words("""
        a ai as ont es suis sommes êtes étais était étaient été fait faire va vas vais vont avait avais avez avons ça
        cela celui celle ces dont donc car quand comme comment tu te toi moi me mes mon ma ta tes ton toute tout tous
        toutes rien très bien aussi même après avant chez entre leurs nos notre vos votre quel quelle puis si non oui
        y là ici alors encore jamais toujours peu trop j'ai d'un c'est n'est s'est qu'il faut fut fit peut sera serait
        euh ben bah hein ouais ouai pis faque tsé chus chuis moé toé icitte asteur astheure voilà quoi mais mm hum pfff
        jsui jsuis chui jai jme jte jvai jpens cé sé té jé mé lé dé ke ki koi kan keske pk pcq bcp
        tt tjs tkt stp svp slt cv mdr ptdr lol dsl jtm biz bisou bjr bsr auj dem1 fo fé kon jcroi mdrrr grav kfé
        """),
    "en": _words("""
        about after all am any been before did do does don' down go going got had how into just know let like me more
        must my no now only our out over said see should some such than then these thing those through too two up us
        very want way well what when where while why yes out than i' it' he' that' there' they' we' you' didn' doesn'
        isn' won' can' ain' y' gon' gonna gotta finna um uh er yeah ok okay ur lol omg wot cuz coz plz pls thx np
        btw lmk 2nite thou thy thee hath doth unto
        """),
}
"""By primary tag, words of speech, SMS and verbs that the list of function words (core/languages) has no room for."""

RELATIVES: Mapping[str, tuple[Relative, ...]] = {
    "fr": (
        Relative(
            "ht",
            _words("""
                mwen m w ou li l nou yo ak ki nan pou te ap gen pa se sa yon la a tout moun kote pral ke lè epi konn
                menm anpil fè di ban bon chak si kounye ankò pandan anvan apre avè sou kay al wi non pi plis tou jou
                poukisa bagay timoun fanm vin vini ale rive wè bay pran peyi jiska depi oswa dwe ka kapab
                """),
        ),
        Relative(
            "gcf",
            _words("""
                an ka ké té i nou zòt yo ou man mwen mwin adan épi èvè ek ki pou pa ni la a sé lè fè tout moun on yon
                di asi anlè anba dé si mé kon jou w y'an fò byen lanmè an'm kò mété vini pati tan toulé lé biten douvan
                """),
        ),
        Relative(
            "rcf",
            _words("""
                mi i lé té la in dann pou bann nout aou ali zot néna sa ek li nou ou di out konm domoun lo bana pa tout
                kan lontan akoz mwin moin anlèr ankor aster fo lé nana kosa si épi apré i' nana pwin marmay
                """),
        ),
        Relative(
            "mfe",
            _words("""
                mo to li nou zot bann enn ti pe inn fini dan lor ek ki sa pa pou ena kan si bizin gagn mwa twa par tou
                ziska avan la al dir ou lerla kapav sirtou zis bien san ler depi
                """),
        ),
        Relative(
            "gcr",
            _words("""
                mo to i li roun a ka ké té pou annan nou zòt yé pa sa ki so mé tout timoun di an lò ou oun la lé fè vini
                koumansé mo' pasé pé dilo lasou atò
                """),
        ),
        Relative(
            "lou",
            _words(
                "mo to li té pa ça nouzòt yé pou so koté moun ki fé la di gain olé apé kofè mé en ein vou an sé tou"
            ),
        ),
        Relative(
            "wa",
            _words("""
                dji l' li les ene on nén nos nosse mins avou pol al et ki d' dins cwè c' a fwaire ås då tins djoû come
                vos dj' çou çki ça ni n' pus bén rén nozôtes vozôtes est esteut
                """),
        ),
        Relative(
            "pcd",
            _words("""
                ch' chés ché l' el eune i min tin sin in dins aveuc pis cha mi ti j' ej étot avot li qu' des dù tertous
                point à al nou vo pasqué quand comme
                """),
        ),
        Relative(
            "nrf",
            _words("""
                l' la i no oun eun eune dauve és d' à li qu' cha j' et les byin dé sus mé dun va coum j'avouns
                s veint veit ch'est
                """),
        ),
        Relative(
            "fro",
            _words("""
                li uns si et que qui mout moult ne nus onques cil cist ot fu fust fet est en de a al as des el por par
                se car lor lui il sire dist sor ge je mes cele ceste icil icel vos nos granz toz tote tuit sa son ses
                molt mult dex deus tant plus lors ert iert estoit quant onc
                """),
        ),
    ),
    "en": (
        Relative(
            "sco",
            _words("""
                the an a tae o wis he she it his her wi no ae dae fur fae frae nae aye ye yer ma whit whan wha ain fu
                aa awa hae hame oot aboot doon intae dinna widnae cannae isnae wisnae gey mair auld wee ken gang wid
                intil ower oor they i in ilka yin twa
                """),
        ),
        Relative(
            "jam",
            _words("""
                mi yuh di dem wi im him fi a seh inna pon weh deh nuh an wah waan cyaan neva did one ting likkle fe
                haffi gwaan bredda yah dat dis fram tek mek ova unnu pickney wudda ef
                """),
        ),
        Relative(
            "pcm",
            _words("""
                dey na no wey don go im e dem di abeg una wetin make sey say fit never come for dia make am pipo i
                you dat dis be sabi oga o well comot wan
                """),
        ),
        Relative(
            "enm",
            _words("""
                the and that of ful eek ne hem hir hire whan whilom ther nat ye yow thilke swich been hadde wolde shal
                schal in to was he she his wel muchel al for thy han hath a yeve bifel upon which everich
                """),
        ),
    ),
}
"""By primary tag: who is kept with that language, unless a recipe refuses them."""

NEIGHBOURS = _words("""
    el los las y por con una su del al lo como más pero sus le ya o este sí porque esta muy sin sobre también hay donde
    desde todo nos cuando ni ella fue era para es está unos unas nosotros
    il gli i e che di non per una è con da si nel della dei delle alla al sono ha anche più ma come io lo lei questo se
    quando tutta suo sua ho nella le uno
    o os e um uma em não do da no na ao aos à que se para com por mais dos das foi ele ela seu sua são nos já está
    quando isso também pelo pela
    els les i amb per una és al dels del seva que es va ha aquest més no hi si són quan com però
    și în la pe cu un o nu se din că este mai de au sau să fi ca lui le său când dacă toată prin
    lo los las e amb de la del es qu' dins un una que per son lor aquò sus fa quand an als
    der die das und ist nicht ein eine zu den mit sich des auf für im dem von als auch es an werden aus er hat dass sie
    nach wird bei noch wie einen einem war wenn oder nur ich wir aber
    het een en van ik dat niet zijn is op te zich met voor er maar om hem dan zou of wat mijn men dit zo door over als
    naar uit bij hij aan nog de die ze
    och att det som på är av för med den till inte om ett han men var jag sig från vi så kan hade när hon efter alla
    og at det er på til med ikke af en den som for der har ikke han men jeg et vi når fra være blev
    w i z na się nie do że to jest jak po co ale za od przez dla przy tym jego oraz już czy tak
    et in est non ad cum sed ut qui quae quod ex per ab esse sunt atque nec enim autem etiam si
    la de kaj en estas al mi ne li ke por pri kun por sed el tiu kiu ili ni oni per sur
    ar hag e a da ur eo an en gant met ez evit ma un d'ar ket bet zo dre war oc'h
    eta da ez du dira zen izan bat ere egin baina edo dute dago zuen dituzte
    u è di in a chì hè per cù hà ma ind' sò nant'à più nò
    ve bir bu da de için ile çok daha gibi olarak sonra ne kadar her ben
    na ya wa kwa ni katika la za kama yake hii cha lakini watu huyo hiyo
    yang dan di dengan untuk dari pada ini itu tidak dalam akan adalah oleh juga
    a az egy és hogy nem is volt ez azt meg csak ja on ei se oli että hän mutta kun niin
    je se na v že s o z do jako ale by za po už jsem
    và của là có không được cho một trong người với các
    """)
"""Function words of other languages, French's and English's neighbours first: where they stand, a text is neither."""
