"""A plan as the TOML of a recipe, with `# decide:` wherever a person has to."""

from collections import Counter
from collections.abc import Iterator, Sequence

from curate.draft.plan import Facts, ImageEntry, LabelEntry, Labels, Plan, Unmapped
from curate.draft.toml import comments, inline, key, string
from curate.vocabulary import Vocabulary

_INLINE = 3
"""More names than this stand in a table of their own."""
_BARE_VALUES = 12
"""More values than this, of which nothing is known, share a line."""


def render(plan: Plan, dataset_id: str) -> str:
    """Return the text of a recipe; equal plans give equal text."""
    lines = [
        *comments([f"A draft: {plan.layout}. Settle every `decide:` and take these comments out.", *plan.notes]),
        "schema = 1",
        *([f"patient = {string(plan.patient)}"] if plan.patient else []),
        "",
        *_dataset(plan, dataset_id),
        *(line for entry in plan.images for line in _image(entry)),
        *(line for entry in plan.labels for line in _label(entry)),
    ]
    if plan.split_names:
        lines += ["", "[splits]", f"names = {inline(plan.split_names)}"]
    return "\n".join(lines) + "\n"


def _dataset(plan: Plan, dataset_id: str) -> Iterator[str]:
    facts = plan.facts
    yield "[dataset]"
    yield f"id = {string(dataset_id)}"
    yield f"title = {string(facts.title or dataset_id)}"
    yield "# decide: the licence as its owner states it, where, and what to cite"
    yield 'licence = "unclear"'
    yield f"licence_evidence = {string(facts.licence or 'unknown: nobody has looked yet')}"
    yield f"citation = {string(facts.citation or 'unknown: nobody has looked yet')}"
    yield "# decide: repository and revision, release or DOI; and who or what made the masks"
    yield f"source = {string(facts.source or 'unknown: not stated')}"
    yield 'annotation = "unknown: human, semi-automatic or model output"'
    region = _region(plan)
    if region is None:
        yield "# decide: the body region; nothing in the source says it"
    yield f"region = {string(region or 'whole_body')}"


def _region(plan: Plan) -> str | None:
    """Return the region of most targets, or what the plan knows."""
    vocabulary = Vocabulary.load()
    regions = Counter(vocabulary.target(target).region for target in plan.targets)
    return regions.most_common(1)[0][0] if regions else plan.region


def unknown_facts(facts: Facts) -> list[str]:
    """Return which facts a person has to supply."""
    stated = {"licence": facts.licence, "citation": facts.citation, "source": facts.source}
    return [*(name for name, value in stated.items() if value is None), "annotation"]


def _image(entry: ImageEntry) -> Iterator[str]:
    yield ""
    yield from comments(entry.comments)
    yield "[[images]]"
    yield f"path = {string(entry.path)}"
    if entry.case is not None:
        yield f"case = {string(entry.case)}"
    if entry.channel is not None:
        yield f"channel = {string(entry.channel)}"
    yield f"modality = {string(entry.modality)}"
    if entry.sequence is not None:
        yield f"sequence = {string(entry.sequence)}"
    if entry.volume_index is not None:
        yield f"volume_index = {entry.volume_index}"
    if entry.series_modality is not None:
        yield f"series = {{ modality = {string(entry.series_modality)} }}"


def _label(entry: LabelEntry) -> Iterator[str]:
    labels = entry.labels
    yield ""
    yield from comments([*entry.comments, *labels.comments])
    yield "[[labels]]"
    yield f"path = {string(entry.path)}"
    if entry.case is not None:
        yield f"case = {string(entry.case)}"
    if entry.images is not None:
        yield f"images = [{', '.join(string(name) for name in entry.images)}]"
    if entry.rater is not None:
        yield f"rater = {string(entry.rater)}"
    if labels.merge:
        yield "merge = true"
    if labels.threshold is not None:
        yield f"threshold = {labels.threshold}"
    if labels.ignore_values:
        yield f"ignore_values = [{', '.join(map(str, labels.ignore_values))}]"
    yield from _meaning(labels)


def _meaning(labels: Labels) -> Iterator[str]:
    if labels.meaning == "target":
        yield f"target = {string(labels.mapped[''])}"
    elif len(labels.mapped) <= _INLINE and (not labels.unmapped or not labels.mapped):
        yield f"{labels.meaning} = {inline(labels.mapped)}"
    else:
        yield f"[labels.{labels.meaning}]"
        yield from (f"{key(name)} = {string(target)}" for name, target in labels.mapped.items())
    yield from comments(_undecided(labels.unmapped))
    if labels.composites:
        yield "[labels.composites]"
        yield from (f"{key(name)} = [{', '.join(map(str, union))}]" for name, union in labels.composites.items())


def _undecided(unmapped: Sequence[Unmapped]) -> Iterator[str]:
    """Yield what has no target: each on a line that waits for a word, or all together where nothing is known."""
    bare = [one.key for one in unmapped if one.source_name is None and one.nearest is None]
    if len(bare) == len(unmapped) > _BARE_VALUES:
        yield f"decide: what are the {len(bare)} values {bare[0]} to {bare[-1]}?"
        return
    for one in unmapped:
        called = f"the source calls it {string(one.source_name)}" if one.source_name is not None else "what is it?"
        near = f"; perhaps {string(one.nearest)}" if one.nearest is not None else ""
        yield f'{key(one.key)} = "?" decide: {called}{near}'
