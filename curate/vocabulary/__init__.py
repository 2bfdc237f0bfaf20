"""The words that datasets, suites and training cards share: targets, modalities and sequences.

CSV files in `manifests/vocabulary` hold them. A target's `parent` is what it is part of, or the wider thing that it
is an instance of: `rib_1_left` -> `ribs_left` -> `ribs` -> `thorax` -> `body`.
"""

from curate.vocabulary.closed import ANATOMY_GROUPS, KINDS, NAMED_PAIRS, REGIONS, SIDES
from curate.vocabulary.facts import target_rows
from curate.vocabulary.synonyms import ModalitySynonyms, Synonyms
from curate.vocabulary.target import Target
from curate.vocabulary.words import Vocabulary

__all__ = [
    "ANATOMY_GROUPS",
    "KINDS",
    "NAMED_PAIRS",
    "REGIONS",
    "SIDES",
    "ModalitySynonyms",
    "Synonyms",
    "Target",
    "Vocabulary",
    "target_rows",
]
