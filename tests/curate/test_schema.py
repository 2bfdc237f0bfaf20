import duckdb
import pyarrow as pa
import pytest

from curate.schema import DATASETS, PER_DATASET, arrow_schema, arrow_table

TABLES = {**PER_DATASET, "datasets": DATASETS}
COLUMNS = {
    "images": """image_id dataset case_id patient_id modality sequence region path shape_ijk spacing_mm affine
        source_orientation source_path source_sha256 voxel_sha256 geometry labelled_targets""",
    "masks": """mask_id image_id dataset case_id patient_id modality sequence target side kind anatomy_group
        source_label path label_values voxels volume_mm3 bbox_ijk extent_mm centroid_mm components touches_border""",
    "rejections": "dataset case_id target stage code detail source_path measured threshold",
    "splits": "image_id patient_id split",
    "datasets": "dataset licence licence_evidence citation source recipe_sha256 images masks patients rejections",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_the_columns_of_the_contract(name):
    """Every required column is there, once."""
    names = [column.name for column in TABLES[name]]
    assert set(COLUMNS[name].split()) <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", TABLES)
def test_no_column_is_an_sql_keyword(name):
    """DuckDB reserves none of the names, so that nobody has to quote them."""
    reserved = "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
    keywords = {word for (word,) in duckdb.sql(reserved).fetchall()}
    assert "select" in keywords
    assert keywords.isdisjoint(column.name.lower() for column in TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_selects_every_column_unquoted(name, tmp_path):
    """A query that names every column without quotes runs on the table's Parquet file."""
    import pyarrow.parquet as pq

    path = tmp_path / "table.parquet"
    pq.write_table(arrow_schema(TABLES[name]).empty_table(), path)
    names = [column.name for column in TABLES[name]]
    found = duckdb.sql(f"select {', '.join(names)} from '{path}'")
    assert found.columns == names


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_what_it_means(name):
    """Every Arrow field carries a description of more than its own name."""
    for field in arrow_schema(TABLES[name]):
        assert len(field.metadata[b"description"].decode()) > max(4, len(field.name) - 4)


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [
        ("images", "shape_ijk", pa.list_(pa.int32(), 3)),
        ("images", "spacing_mm", pa.list_(pa.float64(), 3)),
        ("images", "affine", pa.list_(pa.float64(), 16)),
        ("images", "labelled_targets", pa.list_(pa.string())),
        ("masks", "label_values", pa.list_(pa.int32())),
        ("masks", "bbox_ijk", pa.list_(pa.int32(), 6)),
        ("masks", "voxels", pa.int64()),
        ("masks", "components", pa.int32()),
        ("masks", "touches_border", pa.bool_()),
        ("rejections", "measured", pa.float64()),
    ],
)
def test_types_are_those_of_the_contract(table, column, kind):
    """Lists have their lengths and numbers their widths."""
    assert arrow_schema(TABLES[table]).field(column).type == kind


def test_rows_must_have_exactly_the_columns():
    """A row with a misspelt or missing key is refused: Arrow alone would write a null."""
    row = {"image_id": "a", "dataset": "d", "patient_id": "p", "split": "train", "orign": "hashed"}
    with pytest.raises(ValueError, match=r"unknown keys \['orign'\], lacks \['origin'\]"):
        arrow_table(PER_DATASET["splits"], [row])
