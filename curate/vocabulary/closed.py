"""The closed lists of the vocabulary: kinds, sides, body regions, anatomical groups, named pairs."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "organ": "an organ, or a chamber or lobe of one",
    "gland": "a gland outside the abdomen, or the breast",
    "bone": "a bone or a named set of bones",
    "muscle": "a muscle or a named set of muscles",
    "vessel": "an artery, a vein or a tree of them",
    "tissue": "a layer or tissue: wall, fat, cartilage, white matter, nerve",
    "fluid": "a fluid, or a space filled with it",
    "region": "a part of the body or of an organ that has no border of its own",
    "lesion": "anything that disease or injury made",
    "cell": "a cell, its parts, or a structure seen under a microscope",
    "device": "an instrument or implant: nothing that the body made",
}
"""Closed list of `Target.kind`."""

SIDES = ("left", "right")
"""Closed list of `Target.side`: the patient's left and right."""

REGIONS = (
    *("head", "eye", "neck", "thorax", "abdomen", "pelvis", "spine"),
    *("upper_limb", "lower_limb", "skin", "whole_body", "cell"),
)
"""Closed list of body regions, of targets and of images."""

ANATOMY_GROUPS: Mapping[str, str] = {
    "abdomen_thorax": "organs and vessels of trunk, head and neck that no other group takes",
    "bone": "bones",
    "brain": "brain and its parts",
    "cardiac": "heart and its parts",
    "gland": "glands of head, neck and breast",
    "muscle": "muscles",
    "lesion": "lesions anywhere",
}
"""Anatomical groups of SAM-Med3D (Wang et al., ECCV workshops 2024, supplement table 2).

Targets that the table does not list stand in the group whose description fits them, and their note says so. The table's
two groups of unseen targets are statements about one model: they stand on its training card.
"""

NAMED_PAIRS = (
    *("heart_atrium", "heart_ventricle", "heart_atrium_wall", "heart_atrium_scar", "atrial_appendage"),
    *("coronary_artery", "pulmonary_artery_start", "liver_lobe"),
)
"""Pairs whose left and right are names of two different parts, not mirror images on either side of the midline.

They have neither side nor opposite, so that no flip swaps them and no split by the midline makes them.
"""

LATERALITY_CODES: Mapping[str, str] = {"7771000": "left", "24028007": "right"}
"""SNOMED CT code of laterality -> side."""
