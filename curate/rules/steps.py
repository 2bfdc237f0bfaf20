"""The rules of a profile, one after the other, each on the masks that the one before it left."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from curate import harmonise, slicing
from curate.geometry import Geometry
from curate.masks import Key, Mask
from curate.profile import Limit, MaxAspect, Profile, RequireMask, Resample, Rule, Slice, SplitComponents, SplitSides
from curate.rules import parts, sides, size
from curate.rules.cleaned import Cleaned, Part
from curate.rules.outcome import Decision, Outcome
from curate.slicing import Place

RULES: Mapping[str, Callable[[Mask, Geometry, float], Outcome]] = {
    "min_volume_cm3": size.min_volume_cm3,
    "min_volume_mm3": size.min_volume_mm3,
    "min_extent_cm": size.min_extent_cm,
    "min_voxels": size.min_voxels,
    "min_side_voxels": size.min_side_voxels,
    "max_side_voxels": size.max_side_voxels,
    "max_background_share": size.max_background_share,
    "min_area_share": size.min_area_share,
    "max_aspect": size.max_aspect,
    "largest_components": parts.largest_components,
    "split_components": parts.split_components,
    "split_sides": sides.split_sides,
}
"""What looks at one mask at a time, by its name in a profile."""


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    """What a rule made of one part."""

    part: Part
    after: Sequence[Part]
    decision: Decision | None = None


def apply(profile: Profile, masks: Sequence[Mask], grid: Geometry) -> Cleaned:
    """Send the masks of an image through a profile's rules.

    What one rule decides on the parts of one mask, such as its slices, is one decision: their number grows with masks
    and rules, not with slices.

    Args:
        profile: Its `rules` are applied, in their order.
        masks: Masks on one grid, each with a key of its own.
        grid: That grid, canonical.
    """
    current = [Part(mask, number) for number, mask in enumerate(masks)]
    decisions: list[Decision] = []
    on_slice: dict[Place, set[str]] = {}
    for step, rule in enumerate(profile.rules, start=1):
        if isinstance(rule, Resample):
            results = list(_resampled(current, grid, rule.spacing_mm))
        else:
            results = [_act(rule, part, grid) for part in current]
        if isinstance(rule, SplitSides):
            results = list(_once(results))
        if isinstance(rule, Resample):
            grid = grid.resampled(rule.spacing_mm)
        current = [part for result in results for part in result.after]
        if isinstance(rule, Slice):
            for part in current:
                if part.place is not None:
                    on_slice.setdefault(part.place, set()).add(part.mask.target)
        decisions += [replace(one, rule=rule.rule, step=step) for one in _summed(results)]
    if any(isinstance(rule, SplitComponents) for rule in profile.rules):
        current = _numbered(current)
    return Cleaned(grid, current, decisions, {place: frozenset(targets) for place, targets in on_slice.items()})


def _act(rule: Rule, part: Part, grid: Geometry) -> _Result:
    """Apply one rule to one part."""
    if isinstance(rule, RequireMask) or (isinstance(rule, MaxAspect) and part.place is None):
        return _Result(part, [part])
    if isinstance(rule, Slice):
        return _sliced(part, grid, rule.axes)
    outcome = RULES[rule.rule](part.mask, grid, float(getattr(rule, "threshold", 0)))
    decision = outcome.decision
    if decision is not None and isinstance(rule, Limit) and rule.action == "flag":
        noted = replace(decision, detail=f"{decision.detail}; the mask stays", effect="noted", after=1)
        return _Result(part, [part], noted)
    after = [replace(part, mask=mask) for mask in outcome.masks]
    return _Result(part, after, None if decision is None else replace(decision, after=len(after)))


def _resampled(current: Sequence[Part], source: Geometry, spacing_mm: float) -> Iterator[_Result]:
    """Resample all masks together: those that lie in one label map are resampled with it."""
    masks = harmonise.resample_masks([part.mask for part in current], source, source.resampled(spacing_mm))
    detail = f"no voxel at {spacing_mm:g} mm"
    for part, mask in zip(current, masks, strict=True):
        if mask.voxels.count:
            yield _Result(part, [replace(part, mask=mask)])
        else:
            yield _Result(part, [], Decision(part.mask, "empty_after_resampling", detail, 0.0, 1.0, "left_out"))


def _sliced(part: Part, grid: Geometry, axes: Sequence[str]) -> _Result:
    """Cut a mask into one per slice that it lies on; what is a picture already is one slice."""
    if grid.is_2d:
        return _Result(part, [part])
    numbers = [slicing.AXES.index(axis) for axis in axes]
    after = [
        replace(part, mask=replace(part.mask, voxels=cut), place=place)
        for place, cut in slicing.cuts(part.mask.voxels, numbers)
    ]
    total = sum(grid.shape_ijk[axis] for axis in numbers)
    detail = f"on {len(after)} of {total} slices across {', '.join(axes)}"
    return _Result(
        part, after, Decision(part.mask, "sliced", detail, float(len(after)), None, "changed", after=len(after))
    )


def _once(results: Iterable[_Result]) -> Iterator[_Result]:
    """Keep the first mask of each key: a part may be what the recipe has a mask of its own for."""
    results = list(results)
    taken: set[Key] = {result.part.mask.key for result in results if len(result.after) == 1}
    for result in results:
        if len(result.after) < 2:
            yield result
            continue
        kept = [part for part in result.after if part.mask.key not in taken]
        yield replace(result, after=kept)
        for part in result.after:
            if part.mask.key in taken:
                detail = (
                    f"the recipe has {part.mask.target} of its own; the part of {part.mask.source_label} is left out"
                )
                yield _Result(part, [], Decision(part.mask, "duplicate_target", detail, None, None, "left_out"))
            taken.add(part.mask.key)


def _summed(results: Sequence[_Result]) -> Iterator[Decision]:
    """Make one decision of those that say the same of parts of one mask."""
    masks = Counter((result.part.origin, result.part.mask.target) for result in results)
    groups: dict[tuple[int, str, str], list[Decision]] = {}
    for result in results:
        if result.decision is not None:
            key = (result.part.origin, result.decision.mask.target, result.decision.code)
            groups.setdefault(key, []).append(result.decision)
    for (origin, target, _), group in groups.items():
        nearest = min(group, key=_distance)
        if masks[origin, target] > 1:
            which = "the most" if nearest.threshold is None else "nearest to the limit"
            detail = f"{len(group)} of {masks[origin, target]} masks; {which}: {nearest.detail}"
            nearest = replace(nearest, detail=detail)
        yield replace(nearest, before=len(group), after=sum(one.after for one in group))


def _distance(decision: Decision) -> float:
    """Return how far a measurement lies from its threshold; without one, the largest counts as nearest."""
    measured = decision.measured or 0.0
    return -measured if decision.threshold is None else abs(measured - decision.threshold)


def _numbered(current: Sequence[Part]) -> list[Part]:
    """Number the masks of each target and rater on each slice from 0, in the order in which they stand."""
    numbers: Counter[tuple[Place | None, str, str | None]] = Counter()
    found = []
    for part in current:
        key = (part.place, part.mask.target, part.mask.rater)
        found.append(replace(part, mask=replace(part.mask, instance=numbers[key])))
        numbers[key] += 1
    return found
