"""Units of measurement by the names that ads use, with exact factors.

A table of our own: pint converts in floating point and knows English only, quantulum3 guesses with
a classifier trained on English. Here a factor is exact (BIPM SI brochure, 9th edition; NIST SP 811,
appendix B for inch, pound and the like), so 1900 g and 1.9 kg are one value and 4.2 lb is not.

To add a unit, or its name in another language, add to a line of `_TABLE`.
"""

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["COUNT", "PERCENT", "Unit", "lookup_prefix", "lookup_unit"]

COUNT = "count:"
"""Dimensions of things that are counted begin with this: `count:person`."""
PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: `value * factor + offset` is the value in the dimension's base unit."""

    dimension: str
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def base(self, value: Fraction) -> Fraction:
        """`value`, in this unit, expressed in the base unit of the dimension."""
        # Fractions are slow, and most units are base units.
        return value * self.factor + self.offset if self.offset else value * self.factor

    def per(self, other: "Unit") -> "Unit":
        """This unit over another one: km and h give km/h."""
        return Unit(f"{self.dimension}/{other.dimension}", self.factor / other.factor)


# dimension | factor to the base unit | symbols, case matters | words, case does not | `xx:` words
# of one language
_TABLE = """
mass | 0.001 | mg | milligram milligrams milligramm milligrammes miligramos milligrammaa
mass | 1 | g | gram grams gramm grammes gramme gramos gramo grammaa gramma grammi グラム 克
mass | 1000 | kg | kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo \
kilogramos kiloa kilogrammaa кг キロ 公斤
mass | 1000000 | t | tonne tonnes tonnen tonn tonnia toneladas tonelada
mass | 453.59237 | lb lbs | pound pounds libras livres pund
mass | 28.349523125 | oz | ounce ounces unzen onzas onces unssia
length | 0.000001 | µm μm | micron microns
length | 0.001 | mm | millimetre millimetres millimeter millimeters millimètres milímetros \
millimetriä
length | 0.01 | cm | centimetre centimetres centimeter centimeters zentimeter centimètres \
centímetros senttiä senttimetriä sentti см センチ 厘米
length | 0.1 | dm |
length | 1 | m | metre metres meter meters mètre mètres metro metros metriä metri メートル 米
length | 1000 | km | kilometre kilometres kilometer kilometers kilomètres kilómetros kilometriä км \
公里
length | 10000 | | sv:mil nb:mil nn:mil no:mil
length | 0.0254 | | inch inches pouce pouces zoll tum tommer tomme tuumaa tuuma pulgada pulgadas \
en:in インチ
length | 0.3048 | ft | foot feet fot fod fuß pieds pies jalkaa
length | 0.9144 | yd yds | yard yards
length | 1609.344 | mi | mile miles meilen millas mailia
area | 0.000001 | mm2 |
area | 0.0001 | cm2 |
area | 1 | m2 qm sqm kvm | quadratmeter kvadratmeter kvadratmeteriä neliötä neliömetriä \
square_metres square_meters mètres_carrés metros_cuadrados
area | 1000000 | km2 |
area | 10000 | ha | hectare hectares hektar
area | 0.09290304 | ft2 sqft | sq_ft square_feet
volume | 0.001 | ml mL cm3 cc | millilitre millilitres milliliter milliliters mililitros \
millilitraa
volume | 0.01 | cl cL |
volume | 0.1 | dl dL | deciliter desiliter desilitraa
volume | 1 | l L dm3 | litre litres liter liters litro litros litraa リットル 升
volume | 1000 | m3 |
volume | 0.0295735295625 | | fl_oz
volume | 3.785411784 | gal | gallon gallons
time | 0.001 | ms |
time | 1 | s sec sek | second seconds sekunde sekunden sekund sekunder seconde secondes segundo \
segundos sekuntia 秒
time | 60 | min | mins minute minutes minuten minut minuter minutter minuto minutos minuuttia \
minuutin 分鐘 分钟
time | 3600 | h hr hrs std tim | hour hours stunde stunden timme timmar timmars time timer timers \
heure heures hora horas tunti tuntia tunnin uur uren nb:t nn:t no:t da:t 時間 小时
time | 86400 | d | day days tag tage tagen tages dag dagar dagars dager dagers dage dages dygn \
jour jours día días päivä päivää päivän dagen 日 天 日間
time | 604800 | wk | week weeks woche wochen vecka veckor uke uker uge uger semaine semaines \
semana semanas viikko viikkoa viikon weken 週間 周
months | 1 | mo | month months monat monate monaten monats månad månader måned måneder mois mes \
meses kuukausi kuukautta kuukauden kk maanden sv:mån ヶ月 个月
months | 12 | yr yrs | year years jahr jahre jahren jahres år års année années fr:an fr:ans año \
años vuosi vuotta vuoden jaar 年 年間
temperature | 1 | °C ℃ | celsius °_celsius grad_celsius grader_celsius degrees_celsius
power | 0.001 | mW |
power | 1 | W | watt watts vatios wattia
power | 1000 | kW | kilowatt
power | 1000000 | MW |
power | 735.49875 | PS hk | hästkrafter
energy | 1 | J | joule joules
energy | 1000 | kJ |
energy | 3600 | Wh |
energy | 3600000 | kWh |
energy | 4.184 | cal |
energy | 4184 | kcal Cal |
charge | 0.001 | mAh |
charge | 1 | Ah |
voltage | 1 | V | volt volts
current | 0.001 | mA |
current | 1 | A | ampere amp amps
frequency | 1 | Hz | hertz
frequency | 1000 | kHz |
frequency | 1000000 | MHz |
frequency | 1000000000 | GHz |
data | 1 | bit | bits
data | 8 | B | byte bytes
data | 8000 | kB KB |
data | 8000000 | MB | megabyte megabytes
data | 8000000000 | GB | gigabyte gigabytes
data | 8000000000000 | TB | terabyte terabytes
data | 1000000 | Mb Mbit |
data | 1000000000 | Gb Gbit |
data/time | 1000000 | Mbps |
data/time | 1000000000 | Gbps |
length/time | 0.44704 | mph |
length/time | 5/18 | kph kmh km/tim km/t |
pressure | 1 | Pa |
pressure | 100 | hPa mbar |
pressure | 1000 | kPa |
pressure | 100000 | bar |
light | 1 | lm | lumen lumens lúmenes
illuminance | 1 | lx | lux
sound | 1 | dB | decibel
denier | 1 | D den | denier
resolution | 1 | MP | megapixel megapixels
pixels | 1 | px p | pixel pixels
rotation | 1 | rpm |
rate | 1 | fps |
percent | 1 | % | percent per_cent prozent procent prosent prosentti prosenttia pour_cent \
por_ciento процентов パーセント
percent | 0.1 | ‰ | promille
times | 1 | × | en:x times mal gånger ganger gange fois veces kertaa 倍
ordinal | 1 | | nd rd th en:st
count:person | 1 | | person persons people personen person's personer personers persona personas \
personne personnes manns mann manna hengen henkilön henkilöä henkilölle henkeä hengelle personnen \
人 人用 名
count:season | 1 | | season seasons saison saisons saisonen säsong säsongers säsonger sesong \
sesonger sesongs sæson sæsoner temporada temporadas estaciones vuodenajan
count:star | 1 | | star stars sterne stern stjärnor stjärnig stjerner étoiles estrellas tähteä
count:customer | 1 | | customer customers kunden kunder clients clientes asiakasta users nutzer \
användare brukere
count:review | 1 | | review reviews bewertungen omdömen recensioner anmeldelser avis reseñas \
opiniones arvostelua
count:pocket | 1 | | pocket pockets taschen ficka fickor lomme lommer poches bolsillos taskua
count:layer | 1 | | layer layers lagen lager lag couches capas kerrosta kerroksinen ply
count:colour | 1 | | colour colours color colors farben färger farger farver couleurs colores \
väriä
count:size | 1 | | size sizes größen storlekar størrelser tailles tallas kokoa
count:piece | 1 | | piece pieces pcs stück sv:st delar deler dele pièces piezas kpl osaa pack \
packs
"""

_F = "\u00b0F"
_AFFINE = {
    # Exact: t/°C = (t/°F - 32) * 5/9 and t/°C = T/K - 273.15 (BIPM SI brochure, 2.3.1).
    "fahrenheit": Unit("temperature", Fraction(5, 9), Fraction(-160, 9)),
    _F: Unit("temperature", Fraction(5, 9), Fraction(-160, 9)),
    "K": Unit("temperature", Fraction(1), Fraction("-273.15")),
    "kelvin": Unit("temperature", Fraction(1), Fraction("-273.15")),
    "psi": Unit("pressure", Fraction("4.4482216152605") / Fraction("0.00064516")),
}

_symbols: dict[str, list[Unit]] = {}
_words: dict[str, list[Unit]] = {}
_local: dict[tuple[str, str], list[Unit]] = {}


def _read_table() -> None:
    for line in _TABLE.strip().splitlines():
        dimension, factor, symbols, words = (cell.strip() for cell in line.split("|"))
        unit = Unit(dimension, Fraction(factor))
        for symbol in symbols.split():
            _symbols.setdefault(symbol, []).append(unit)
        for word in words.split():
            language, colon, local = word.partition(":")
            if colon:
                _local.setdefault((language, local), []).append(unit)
            else:
                _words.setdefault(word.replace("_", " ").casefold(), []).append(unit)
    for name, unit in _AFFINE.items():
        (_symbols if name in ("K", "psi", _F) else _words).setdefault(name, []).append(unit)
    degrees = [Unit("angle"), *_symbols["°C"], *_symbols[_F]]
    for name in ("°", "degrees", "grad", "grader", "degrés", "grados", "astetta", "asteen"):
        (_symbols if name == "°" else _words)[name] = degrees


_read_table()
_folded_symbols: dict[str, list[Unit]] = {}
for _symbol, _units in _symbols.items():
    # `KG` and `Ml` are common; a folded symbol that means two things (mW, MW) is left to the exact
    # one.
    _folded_symbols.setdefault(_symbol.casefold(), []).extend(_units)
_AMBIGUOUS = {"d", "a", "p", "t", "in"}
"""Folded symbols that are too short to be taken for units in another case than their own."""
_LONGEST = max(len(word) for word in _words if not word.isascii())


def lookup_unit(word: str, language: str | None) -> list[Unit]:
    """Units that `word` can stand for in a `language` (primary subtag; None: any), the likeliest
    first.
    """
    folded = word.casefold()
    if language is None:
        local = [unit for (_, name), units in _local.items() if name == folded for unit in units]
    else:
        local = _local.get((language, folded), [])
    found = _symbols.get(word, []) + local + _words.get(folded, [])
    if not found and folded not in _AMBIGUOUS:
        candidates = _folded_symbols.get(folded, [])
        found = candidates if len(candidates) == 1 else []
    return found


def lookup_prefix(run: str) -> tuple[str, list[Unit]]:
    """The longest unit that a run of letters of a script without spaces begins with; empty when
    none.
    """
    for length in range(min(len(run), _LONGEST), 0, -1):
        if units := _words.get(run[:length]):
            return run[:length], units
    return "", []
