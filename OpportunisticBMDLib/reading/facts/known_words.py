"""Texts that people typed at a scanner, reduced to words that are known: what is not on a list may name the patient.

A list of names can never be whole; one of kernels, phases, body parts and planes nearly is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WITH_UNIT = r"\d{1,3}(?:[.,]\d{1,3})? ?(?:mm|cm|ml|cc|kvp?|kev|mas?|mg/ml|mgi/ml|mgi|mg|sec|s|min|hu|%)"
# A number without a unit is let through where it is a thickness or an increment as scanners write them ("1.0", "0.75").
_STEP = r"\d{1,2}\.(?:\d|00|25|50|75|625)(?:/\d{1,2}(?:\.(?:\d|00|25|50|75|625))?)?"
_SHORT = r"[LTCS]\d{1,2}|Th\d{1,2}|Sn ?\d{2,3}|\d{2,3} ?Sn|[MF]_0[.,]\d|C[+-]|[+-]C|[1-4]D"
_KERNELS = (
    r"[BCDEHIJQSTUV][a-z]?\d{2}[a-z]?(?:\\\d)?",  # Siemens: B30f, Br40d, Hr40, Qr36, Sd36f, I31f, U90u
    r"FC\d{1,2}(?:-?[HQ])?(?:_?AIDR ?3D(?: ?(?:mild|std|str|e))?)?",  # Canon and Toshiba
    r"[HB]_(?:V?SOFT|SHARP|LUNG|BONE)_[A-D]+",  # United Imaging
    r"Y[A-D]|U[A-C]|S[ABC]|C[ABC]|L[ABCDE]|E[ABC]",  # Philips
    r"IMR ?\d?|iDose ?\(?\d\)?|ADMIRE ?\d?|SAFIRE ?\d?|QIR ?-?\d?|ASiR(?:-?V)?(?: ?\d{1,3} ?%)?|AiCE|AIDR ?3D|FIRST",
    r"TrueFidelity|Veo|KARL ?\d?|ClearView|DLIR-?[LMH]?|SharpPlus|BonePlus|HD ?STND",
)
_WORDS = """
    ap pa lat ax axial axiale ax. cor coronal koronar coronale sag sagittal sagittale transversal trans tra oblique
    obl mpr mip minip vr vrt mean average thick thin thins slab recon rec reformat reformatted std standard stnd stand
    stand. soft smooth sharp medium bone bones os knochen hart weich weichteil weichteilfenster lung lungs lunge
    poumon polmone pulmon detail edge chst ultra ultrahigh highres hrct hr hires hd body filter plus tissue
    mediastinum mediastinal parenchyme fenster window kernel kern routine rout standaard default adult erwachsen child
    ped screening low dose lowdose ld ldct dual energy spectral mono monoe monoenergetic monochromatic virtual vmi vnc
    vue iodine water mixed mix blend conventional t3d spp original derived primary secondary series serie scan ct tc
    tdm cct act spiral helical helix sequence volume vol data set iterative ir fbp head neck brain skull sinus face
    orbit kopf hals schädel schaedel tete crane cou testa collo chest thorax thoracic thorakal torax torace thoracique
    heart cardiac coronary herz cuore coeur cor. lad abdomen abdomin abdominal abd addome bauch oberbauch unterbauch
    ventre pelvis pelvic becken bassin pelvi bacino liver leber foie fegato kidney kidneys niere nieren renal spleen
    pancreas pankreas adrenal bladder blase prostate colon urogram urography stone spine spinal wirbelsäule
    wirbelsaeule ws hws bws lws rachis colonna columna lumbar lumbal lumbosacral cervical sacrum sacral hip hips hüfte
    huefte femur shoulder knee ankle foot hand wrist extremity trauma polytrauma whole wholebody ganzkörper
    ganzkoerper tap cap thx abdo abdpel topogram scout localizer surview aorta aortic angio angiography cta ctpa
    pulmonary embolism carotid native nativ natif nativa plain unenhanced noncontrast non-contrast precontrast pre
    post postcontrast contrast contrasted enhanced ce nc ncct cect km kontrast kontrastmittel mdc contraste contrasto
    injecté injecte injection iv i.v i.v. mit ohne kein with without w wo w/o w/wo no non sans avec senza con sin
    portal porto portovenous portalvenous pv venous venös venoes veineux venoso veineuse venosa ven arterial arteriell
    arteriel arteriosa art artery phase phasen early late delay delayed del spät spaet tardif excretory nephrographic
    corticomedullary equilibrium hepatic bolus multiphase triphasic biphasic dynamic perfusion insp inspiration inspir
    exp expiration breath hold supine prone fov small large full high resolution left right links rechts and und et
"""
_MAKERS = """
    ge medical systems healthcare siemens healthineers philips toshiba canon medical-systems hitachi united imaging
    uih neusoft nms shimadzu picker elscint marconi imatron samsung neurologica carestream planmed accuray varian
    virtual co. ltd. co.,ltd. corporation international inc. gmbh ag somatom naeotom alpha sensation definition as as+
    as20 flash edge force drive confidence pro.pulse go.now go.up go.all go.top go.sim go.open go.fit x.cite x.ceed
    x.creed emotion perspective scope spirit smile volume zoom access balance biograph horizon vision mct symbia
    intevo lightspeed brightspeed hispeed hilight prospeed discovery optima revolution evo apex hd ascend frontier
    maxima aspire vct qx/i plus pro ultra ct pet pet/ct ste st rx ls brilliance big bore ict sp ingenuity core core128
    elite iqon spectral mx8000 mx idt gemini tf gxl vereos incisive aquilion asteion alexion activion auklet one
    genesis prime cx rxl lb lightning precision insight start exceed scenaria eclos supria presto pronto uct umi atlas
    6000 6800 7500 8000 neuviz anatom clarity fit 16p cartesion xvigor multi slice edition viewer evolution
    performance power
"""
_MODEL = (
    r"(?:2|4|6|8|16|20|24|32|40|48|54|60|64|80|90|100|120|128|160|256|320|384|560|600|640|[5-9][1-9]0|968)(?:\+|-slices?)?",
    r"(?:CT|HD|ST|S|Pro|PQ) ?\d{2,4}[A-Z]?",
    r"(?:Biograph|LightSpeed|BrightSpeed|Sensation|Emotion|Brilliance)\d{1,3}",
)
_AGENTS = """
    omnipaque ultravist iomeron imeron isovue visipaque optiray xenetix solutrast accupaque jopamiro iopamiro
    iopamiron niopam oxilan hexabrix telebrix scanlux conray omniscan gadavist gadovist dotarem magnevist prohance
    multihance primovist iohexol iopamidol iopromide iopromid iodixanol iomeprol ioversol iobitridol ioxilan ioxaglate
    ioxithalamate iothalamate gadobutrol gadolinium gastrografin gastroview gastromiro peritrast barium bariumsulfat
    micropaque readi-cat volumen mannitol water wasser urografin iodine iodinated jod iode ionic nonionic non-ionic
    contrast kontrast kontrastmittel km mdc contraste contrasto agent medium applied given iv i.v. i.v intravenous
    intravenös intraveineux endovenoso oral orally p.o. per os rectal rektal only nur and und et with mit bolus & +
"""


def _pattern(words: str, *patterns: str) -> re.Pattern[str]:
    """Whole words, and patterns with figures that do not hang together with more: a piece of a date is none."""
    letters = "|".join(sorted(map(re.escape, words.split()), key=len, reverse=True))
    figures = "|".join(patterns)
    return re.compile(
        rf"(?<![^\W_])(?:(?<![.,/\\-])(?:{figures})(?![^\W_])(?![.,/\\-]\w)|(?:{letters})(?![^\W_]))", re.IGNORECASE
    )


_SERIES = _pattern(_WORDS, _WITH_UNIT, _STEP, _SHORT, *_KERNELS)
_KERNEL = _pattern(_WORDS, *_KERNELS, r"[A-FL]", r"\d")
_NUMBERED_KERNEL = re.compile(r"\d{1,2}")
_SCANNER = _pattern(_MAKERS, *_MODEL)
_AGENT = _pattern(_AGENTS, _WITH_UNIT, r"non[ -]?ionic", r"2[4-9]0|3[0-9]0|400")


def known_in_series(text: str | None, identity: tuple[str, ...] = ()) -> str | None:
    """Body parts, planes, phases, thicknesses and kernels of a series' description; None where nothing is left.

    Args:
        identity: the parts of the patient's name and numbers, as `identity_of` gives them; left out even where they
            are on the list.
    """
    return _known(_SERIES, text, identity)


def known_kernel(text: str | None, identity: tuple[str, ...] = ()) -> str | None:
    """A kernel as the makers name them."""
    if text and _NUMBERED_KERNEL.fullmatch(text.strip()):
        return text.strip()
    return _known(_KERNEL, text, identity)


def known_scanner(text: str | None, identity: tuple[str, ...] = ()) -> str | None:
    """Makers and models."""
    return _known(_SCANNER, text, identity)


def known_agent(text: str | None, identity: tuple[str, ...] = ()) -> str | None:
    """Contrast agents with concentration, volume and route."""
    return _known(_AGENT, text, identity)


def plain_letters(text: str) -> str:
    """In lower case, without accents: "Müller" becomes "muller"."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def spellings(name: str) -> set[str]:
    """A name as it is, without accents and with umlauts written out: "müller", "muller", "mueller"."""
    written_out = name.lower()
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("å", "aa"), ("ø", "oe"), ("æ", "ae")):
        written_out = written_out.replace(umlaut, letters)
    short = plain_letters(name)
    for letters, letter in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        short = short.replace(letters, letter)
    return {name.lower(), plain_letters(name), plain_letters(written_out), short}


@lru_cache  # all slices of a scan say the same
def _known(pattern: re.Pattern[str], text: str | None, identity: tuple[str, ...]) -> str | None:
    found = (match.group() for match in pattern.finditer(text or ""))
    return " ".join(word for word in found if not _is_of(word, identity)) or None


def _is_of(word: str, identity: tuple[str, ...]) -> bool:
    of_word = spellings(word)
    return any(of_word & spellings(part) for part in identity)
