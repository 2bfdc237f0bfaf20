"""DICOM: from folders of files to volumes and masks.

`series` finds and chooses series, `image` turns one into a header or a volume, `seg` and `rtstruct` place the masks of
segmentations and structure sets on an image's grid. Everything raises `ReadError` with a rejection code. Section
numbers in this package are those of the DICOM standard (https://dicom.nema.org/medical/dicom/current). pydicom is
imported below this folder only, inside the functions that use it.
"""
