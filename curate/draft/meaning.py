"""What label files hold: from the words in their names, the values of a sample of them, and DICOM's own names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from curate.draft.listing import sample
from curate.draft.names import Namer, mentioned
from curate.draft.plan import Labels, Meaning, Unmapped
from curate.draft.templates import escaped
from curate.draft.values import Look, Looker
from curate.draft.words import IMAGE_WORDS, LABEL_WORDS, tokens
from curate.errors import ReadError

MOST_FILES = 20
"""Label files of one entry that are opened."""
_INSTANCES, _INSTANCES_2D = 150, 40
"""More values than this in a volume, or in a picture, count something."""
_MASK_8_BIT = 255


def of_names(cases: Mapping[str, Sequence[str]], namer: Namer) -> Labels:
    """Return the meaning of one file per structure.

    Args:
        cases: What `{label}` captures -> keys of its cases, which may say the organ: `04_CT_liver` of a `tumor`.
        namer: Knows the vocabulary.
    """
    mapped, unmapped = {}, []
    for name in sorted(cases):
        said = [set(mentioned(case)) for case in sample(cases[name], MOST_FILES)]
        target = namer.target(bare(name), sorted(set.intersection(*said)) if said else ())
        if target is None:
            unmapped.append(namer.unmapped(name, bare(name)))
        else:
            mapped[name] = target
    return Labels("names", mapped, tuple(unmapped), merge=len(set(mapped.values())) < len(mapped))


def of_values(paths: Sequence[str], words: Iterable[str], looker: Looker, namer: Namer, most: int) -> Labels:
    """Return the meaning of label maps or masks that are called alike.

    Args:
        paths: The files.
        words: What may say the target, the most telling first: the rest of the name, then folders.
        looker: Opens at most `most` of them.
        namer: Knows the vocabulary.
        most: How many files to open.
    """
    target = next((found for word in words if (found := namer.target(bare(word))) is not None), None)
    looks = [look for path in sample(paths, most) if (look := looker.look(path)) is not None]
    values = sorted(set().union(*(look.values for look in looks)))
    remarks = _remarks(looks, values)
    if _is_lossy(looks, values):
        grey = f"decide: {len(values)} grey values, as of a mask that was scaled or stored with loss"
        return _one_mask(target, (grey,), _MASK_8_BIT // 2)
    if all(len(look.values) <= 1 for look in looks) and (values or target is not None):
        return _one_mask(target, remarks, None)
    if len(values) > (_INSTANCES if any(look.shape[2] > 1 for look in looks) else _INSTANCES_2D):
        many = f"decide: {len(values)} values; do they count objects? then `instances = TARGET` instead of `values`"
        return Labels("values", comments=(*remarks, many))
    unmapped = tuple(Unmapped(str(value)) for value in values)
    hint = (f"decide: the name says `{target}`, and there are several values",) if target else ()
    return Labels("values", unmapped=unmapped, comments=(*remarks, *hint))


def _one_mask(target: str | None, comments: tuple[str, ...], threshold: int | None) -> Labels:
    """Return the meaning of files of one mask each; `values = {}` keeps a place for the target that is not known."""
    if target is not None:
        return Labels("target", {"": target}, threshold=threshold, comments=comments)
    instead = f" with `threshold = {threshold}`" if threshold is not None else ""
    remark = f"decide: one mask in each file; set `target`{instead} and take `values` out"
    return Labels("values", unmapped=(Unmapped("target"),), comments=(*comments, remark))


def of_structures(paths: Sequence[str], kind: Meaning, tree: Path, namer: Namer) -> Labels:
    """Return the meaning of files that name their masks (`segments` or `rois`), by the names in a sample of them."""
    names = {name for path in sample(paths, MOST_FILES) for name in _structure_names(tree / path, kind)}
    mapped, unmapped = {}, []
    for name in sorted(names):
        pattern = f"^{escaped(name)}$"
        target = namer.target(bare(name))
        if target is None:
            unmapped.append(namer.unmapped(pattern, name))
        else:
            mapped[pattern] = target
    return Labels(kind, mapped, tuple(unmapped))


def bare(name: str) -> str:
    """Return a name without the words that say image or label: `liver_mask` and `livermask` are about the liver."""
    kept = [name[token.start : token.end] for token in tokens(name) if token.text not in LABEL_WORDS | IMAGE_WORDS]
    return " ".join(re.sub(r"(?<=\w)(masks?|seg|labels?)$", "", word, flags=re.IGNORECASE) for word in kept)


def _structure_names(path: Path, kind: Meaning) -> list[str]:
    from curate.dicom import rtstruct, segments
    from curate.readers import seg_nrrd

    try:
        if path.name.lower().endswith(".seg.nrrd"):
            return [segment.name for segment in seg_nrrd.segments(path)]
        if kind == "segments":
            return [segment.label for segment in segments.segments(path)]
        return [roi.name for roi in rtstruct.rois(path)]
    except ReadError:
        return []


def _remarks(looks: Sequence[Look], values: Sequence[int]) -> tuple[str, ...]:
    """Return what a person has to know of the files that were opened."""
    if not looks:
        return ("decide: none of these files could be opened to read its values",)
    said = []
    if any(look.is_colour for look in looks):
        said.append('decide: colours; write each as "#rrggbb" = TARGET')
    if any(not look.is_whole for look in looks):
        said.append("decide: voxels that are no integers; probabilities? then `target` with a `threshold`")
    if values and values[0] < 0:
        said.append("decide: negative values")
    return tuple(said)


def _is_lossy(looks: Sequence[Look], values: Sequence[int]) -> bool:
    """Tell whether a mask of 0 and 255 was scaled or compressed: greys between, most voxels at the two ends."""
    return len(values) > 2 and values[-1] == _MASK_8_BIT and values[0] > 0 and all(look.zeros > 0 for look in looks)
