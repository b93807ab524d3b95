"""The names of the steps, as records, refused rows and edits have them."""

NORMALISE = "normalise"
PERSONAL_DATA = "personal-data"
LANGUAGE = "language"
BOILERPLATE = "boilerplate"
HELDOUT = "heldout"
QUALITY = "quality"
DUPLICATES = "duplicates"
