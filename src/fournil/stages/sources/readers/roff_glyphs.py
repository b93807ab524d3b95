"""The named characters of roff that documentation uses (groff_char(7)), as Unicode text."""

from __future__ import annotations

import re
import unicodedata

_TABLE = """
aq ' dq " oq ‘ cq ’ lq “ rq ” bq ‚ Bq „ Fo « Fc » fo ‹ fc › ga ` aa ´ ha ^ ti ~ rs \\ sl / at @ sh # Do $ lB [ rB ]
lC { rC } la ⟨ ra ⟩ or | ba | bv | bu • hy ‐ en – em — mi − co © rg ® tm ™ ct ¢ Eu € eu € Po £ Ye ¥ Fn ƒ de ° sc §
ps ¶ dg † dd ‡ %0 ‰ fm ′ sd ″ mc µ Of ª Om º r! ¡ r? ¿ 12 ½ 14 ¼ 34 ¾ S1 ¹ S2 ² S3 ³ ss ß ae æ AE Æ oe œ OE Œ ij ĳ IJ Ĳ
.i ı .j ȷ -D Ð Sd ð TP Þ Tp þ /l ł /L Ł /o ø /O Ø oa å oA Å ,c ç ,C Ç ff ff fi fi fl fl Fi ffi Fl ffl
<- ← -> → <> ↔ da ↓ ua ↑ va ↕ lA ⇐ rA ⇒ hA ⇔ dA ⇓ uA ⇑ an ⎯ ** ∗ +- ± -+ ∓ mu × di ÷ f/ ⁄ pl + eq = == ≡ != ≠
<= ≤ >= ≥ << ≪ >> ≫ |= ≃ ap ∼ ~~ ≈ ~= ≅ =~ ≅ =~ ≅ pt ∝ es ∅ mo ∈ nm ∉ sb ⊂ nb ⊄ sp ⊃ nc ⊅ ib ⊆ ip ⊇ ca ∩ cu ∪
/_ ∠ pp ⊥ is ∫ sum ∑ product ∏ gr ∇ sr √ if ∞ Ah ℵ Im ℑ Re ℜ wp ℘ pd ∂ -h ℏ hbar ℏ c* ⊗ c+ ⊕ tf ∴ te ∃ fa ∀ no ¬
AN ∧ OR ∨ st ∋ md ⋅ ci ○ sq □ lz ◊ CL ♣ SP ♠ HE ♥ DI ♦ OK ✓ CR ↵ lh ☜ rh ☞ bb ¦ br │ ru _ ul _ rn ‾ lf ⌊ rf ⌋ lc ⌈ rc ⌉
a" ˝ a- ¯ a. ˙ a^ ^ ac ¸ ab ˘ ah ˇ ao ˚ ad ¨ a~ ~ ho ˛ char34 "
*A Α *B Β *G Γ *D Δ *E Ε *Z Ζ *Y Η *H Θ *I Ι *K Κ *L Λ *M Μ *N Ν *C Ξ *O Ο *P Π *R Ρ *S Σ *T Τ *U Υ *F Φ *X Χ *Q Ψ *W Ω
*a α *b β *g γ *d δ *e ε *z ζ *y η *h θ *i ι *k κ *l λ *m μ *n ν *c ξ *o ο *p π *r ρ *s σ *t τ *u υ *f ϕ *x χ *q ψ *w ω
ts ς +f φ +h ϑ +p ϖ +e ϵ
"""

_words = _TABLE.split()
_GLYPHS: dict[str, str] = dict(zip(_words[::2], _words[1::2], strict=True))
_ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", ":": "\u0308", "~": "\u0303", ",": "\u0327", "v": "\u030c"}
_CODE_POINTS = re.compile(r"u([0-9A-F]{4,6}(?:_[0-9A-F]{4,6})*)")
_NUMBERED = re.compile(r"char(\d{1,3})")


def glyph(name: str) -> str | None:
    r"""The text of `\[name]` or `\(na`, composed to NFC; None for a name that nobody defines."""
    known = _GLYPHS.get(name)
    if known is not None:
        return known
    if name.isascii() and len(name) == 1:
        return name
    if match := _CODE_POINTS.fullmatch(name):
        points = [int(point, 16) for point in match[1].split("_")]
        if any(point > 0x10FFFF or 0xD800 <= point < 0xE000 for point in points):
            return None
        return unicodedata.normalize("NFC", "".join(map(chr, points)))
    if match := _NUMBERED.fullmatch(name):
        return chr(int(match[1]) % 256)
    base, _, accent = name.partition(" ")
    if accent:
        letters = [glyph(part) or "" for part in (base, *accent.split())]
        marks = {"´": "\u0301", "`": "\u0300", "^": "\u0302", "¨": "\u0308", "~": "\u0303", "¸": "\u0327"}
        return unicodedata.normalize("NFC", letters[0] + "".join(marks.get(letter, "") for letter in letters[1:]))
    if len(name) == 2 and name[0] in _ACCENTS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + _ACCENTS[name[0]])
    return None
