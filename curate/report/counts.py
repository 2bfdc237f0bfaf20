"""How much of what is in a store: by dataset, modality, region, licence and split."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curate import licences
from curate.report import table
from curate.report.content import Content
from curate.report.links import first_link, web_page
from curate.report.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "val", "test")


def by_dataset(content: Content) -> Table:
    """Count each dataset's images, masks, targets and patients, and say what its licence allows."""
    facts = _of_datasets(content)
    columns = (
        Column("dataset", "Dataset"),
        Column("homepage", "Homepage", link_of="dataset"),
        Column("title", "Title", note_of="dataset"),
        *table.counts("images", "masks", "targets", "patients"),
        Column("modalities", "Modalities", why="no image"),
        Column("regions", "Regions", why="no image"),
        Column("licence", "Licence"),
        Column("licence_url", "Licence text", link_of="licence"),
        Column("licence_evidence", "Evidence", note_of="licence"),
        Column("licence_evidence_url", "Evidence page", link_of="licence_evidence"),
        Column("licence_conflict", "But", note_of="licence"),
        Column("licence_state", "Licence state", only_files=True),
        Column("commercial", "Commercial use", "flag"),
        *(Column(split, f"{split.capitalize()} images", "count") for split in SPLITS),
        Column("rejections", "Rejection rows", "count"),
        *(Column(name, name, only_files=True) for name in ("annotation", "citation", "source", "recipe_sha256")),
    )
    caption = (
        "Patients are counted within a dataset. Commercial use is what the licence says, and unclear while two "
        "statements of it conflict."
    )
    return table.of("datasets", "Datasets", caption, columns, (_dataset_row(row, facts) for row in content.datasets))


def by_modality(content: Content) -> Table:
    """Count images, masks, patients and datasets of each modality and sequence."""
    keys = ["modality", "sequence"]
    images, masks = _of_images(content, keys), _masks_of_images(content, keys)
    columns = (
        Column("modality", "Modality"),
        Column("sequence", "Sequence", why="the source does not say, or the modality has none"),
        *table.counts("images", "masks", "patients", "datasets"),
    )
    rows = ({"modality": key[0], "sequence": key[1], **row, "masks": masks.get(key, 0)} for key, row in images)
    return table.of("modalities", "Modalities and sequences", "", columns, rows)


def by_region(content: Content) -> Table:
    """Count images, masks, patients and datasets of each body region."""
    images, masks = _of_images(content, ["region"]), _masks_of_images(content, ["region"])
    columns = (Column("region", "Region"), *table.counts("images", "masks", "patients", "datasets"))
    rows = ({"region": key[0], **row, "masks": masks.get(key, 0)} for key, row in images)
    return table.of("regions", "Body regions", "The region of the image, not of the target.", columns, rows)


def by_licence(content: Content) -> Table:
    """Count datasets, images and masks under each licence, and say what it allows."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in content.datasets:
        groups.setdefault((row["licence"], row["licence_state"]), []).append(row)
    columns = (
        Column("licence", "Licence"),
        Column("licence_url", "Licence text", link_of="licence"),
        Column("licence_state", "State"),
        *(Column(name, title, "flag") for name, title in _ALLOWED.items()),
        *table.counts("datasets", "images", "masks"),
    )
    caption = (
        "State: stated; unclear, where none is stated; conflict, where two statements cannot both hold. Uses are what "
        "the licence itself says of them; it is no legal advice."
    )
    rows = (_licence_row(licence, state, rows) for (licence, state), rows in sorted(groups.items()))
    return table.of("licences", "Licences", caption, columns, rows)


def by_split(content: Content) -> Table:
    """Count images, patients and masks of each split, and how the split was decided."""
    columns = (
        Column("split", "Split"),
        Column("origin", "Decided by"),
        *table.counts("images", "patients", "masks", "datasets"),
    )
    caption = (
        "official: the source's own; hashed: by a hash of the patient key, where the source has none; grouped: moved "
        "by `curate split`, so that no duplicate stands on two sides."
    )
    masks = content.masks.groupby("image_id", observed=True).size()
    counted = content.splits.assign(masks=content.splits["image_id"].map(masks).astype(float).fillna(0))
    rows = [
        {
            "split": key[0],
            "origin": key[1],
            "images": len(part),
            "patients": patients(part),
            "masks": int(part["masks"].sum()),
            "datasets": int(part["dataset"].nunique()),
        }
        for key, part in counted.groupby(["split", "origin"], observed=True)
    ]
    rows.sort(key=lambda row: (_place(str(row["split"])), str(row["origin"])))
    return table.of("splits", "Splits", caption, columns, rows)


def patients(frame: "pd.DataFrame") -> int:
    """Count patients: a key names one only within its dataset."""
    return len(frame[["dataset", "patient_id"]].drop_duplicates())


_ALLOWED = {"commercial": "Commercial use", "derivatives": "Changed copies", "share_alike": "Same licence required"}


def _place(split: str) -> int:
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)


def _of_datasets(content: Content) -> Mapping[str, dict[str, Any]]:
    """Return what tables say of each dataset that its own row does not."""
    targets = content.masks.groupby("dataset", observed=True)["target"].nunique()
    splits = content.splits.groupby(["dataset", "split"], observed=True).size()
    found: dict[str, dict[str, Any]] = {}
    for name in content.names:
        images = content.images[content.images["dataset"] == name]
        found[name] = {
            "targets": int(targets.get(name, 0)),
            "modalities": _words(images["modality"]),
            "regions": _words(images["region"]),
            **{split: int(splits.get((name, split), 0)) for split in SPLITS},
        }
    return found


def _dataset_row(row: Mapping[str, Any], facts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    known = licences.licences().get(row["licence"])
    taken = (
        *("dataset", "title", "images", "masks", "patients", "rejections", "annotation", "citation", "source"),
        *("licence", "licence_state", "licence_evidence", "licence_conflict", "recipe_sha256"),
    )
    return {
        **{name: row[name] for name in taken},
        **facts[row["dataset"]],
        "homepage": web_page(row["homepage"]),
        "licence_url": known.url if known else None,
        "licence_evidence_url": first_link(row["licence_evidence"]),
        "commercial": licences.commercial_use(row["licence"], row["licence_conflict"]),
    }


def _licence_row(licence: str, state: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = licences.licences().get(licence)
    sure = known is not None and state != "conflict"
    return {
        "licence": licence,
        "licence_url": known.url if known else None,
        "licence_state": state,
        **{name: getattr(known, name) if sure else "unclear" for name in _ALLOWED},
        "datasets": len(rows),
        **{name: sum(row[name] for row in rows) for name in ("images", "masks")},
    }


def _of_images(content: Content, keys: list[str]) -> list[tuple[tuple[str | None, ...], dict[str, int]]]:
    """Count images, patients and datasets by some columns of the images, sorted; a missing word is None."""
    groups = content.images.groupby(keys, observed=True, dropna=False)
    found = [
        (
            tuple(_word(value) for value in key),
            {"images": len(part), "patients": patients(part), "datasets": int(part["dataset"].nunique())},
        )
        for key, part in groups
    ]
    return sorted(found, key=lambda pair: [value or "" for value in pair[0]])


def _masks_of_images(content: Content, keys: list[str]) -> dict[tuple[str | None, ...], int]:
    """Count masks by some columns of their images."""
    masks = content.masks.groupby("image_id", observed=True).size()
    counted = content.images.assign(masks=content.images["image_id"].map(masks).astype(float).fillna(0))
    sums = counted.groupby(keys, observed=True, dropna=False)["masks"].sum()
    keyed = (key if isinstance(key, tuple) else (key,) for key in sums.index)
    return {tuple(_word(value) for value in key): int(count) for key, count in zip(keyed, sums, strict=True)}


def _words(column: Iterable[object]) -> list[str]:
    return sorted({str(value) for value in column})


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None
