from pathlib import Path

import pytest

import fournil.data
from fournil.stages.evaluate.fidelity.sentences import pieces
from fournil.stages.evaluate.fidelity.signs import sign_of

MIE = Path(fournil.data.__file__).parent / "mie"

LATEX = [
    r"\begin{document}",
    r"\section*{Introduction}",
    r"On note $x_1$ la première racine.",
    r"Donc \( a + b = c \), ce qui achève la preuve.",
    "$$ E = mc^2 $$",
    r"La somme vaut \frac{n(n+1)}{2}.",
    r"\item le pain",
    r"\usepackage[french]{babel}",
]
CODE = [
    "```python",
    "def moyenne(valeurs):",
    "class Boulanger:",
    "import numpy as np",
    "from pathlib import Path",
    "#include <stdio.h>",
    "for (int i = 0; i < n; i++) {",
    "if x > 3:",
    "    return somme / len(valeurs)",
    "return 0;",
    "int main(void) {",
    "const total = prix * 2;",
    "x = 3",
    "total += prix[i]",
    "print(\"bonjour\")",
    "console.log('bonjour');",
    "items.map(x => x.nom)",
    "os.path.join(racine, nom)",
    "SELECT nom FROM clients WHERE ville = 'Lyon';",
    "<div class=\"titre\">",
    "<br/>",
    "}",
    ">>> sorted(noms)",
    "public static void main(String[] args)",
    "private String nom;",
    "for($i = 0; $i < $num_cols; $i++) {",
    "echo $total_prix . $nom;",
    "while (true) {",
    "else:",
    "$ git status",
]  # fmt: skip
PROSE = [
    "Le pain coûte $5 ici et $6 là-bas.",
    "Consultez printf(3) et systemd.unit(5) pour en savoir plus.",
    "L’option --color=auto colore la sortie.",
    "Il faut remplacer <fichier> par le nom du fichier.",
    "# Un titre",
    "- une liste (avec une remarque)",
    "Pour moi, c’est non : je reste.",
    "Si tu viens, apporte du pain :",
    "For my part, I shall wait:",
    "While the bread rises (about an hour), prepare the filling.",
    "Return the book to the library, please.",
    "Return of the wolves",
    "Class begins at nine.",
    "Import taxes have risen; nobody knows why.",
    "Elle a gagné 3-2, puis 6-4.",
    "Le train de 8 h 12 -> Lyon",
    "Vous pouvez écrire à la mairie (rue Haute, 3) ou appeler.",
    "On choisit, dans la carte, un plat et/ou un dessert.",
    "He said: “Let me see (if I can).”",
    "Print the form and sign it.",
    "Assert your rights!",
    "await my reply.",
    "public opinion on these measures, which I oppose; but I shall wait",
    "private lessons given here (piano, violin).",
    "from $5 to $6 a yard_long piece",
    "const",
    "C’est l’article 12 du code civil ; il date de 1804.",
]


@pytest.mark.parametrize("line", LATEX)
def test_latex(line):
    assert sign_of(line) == "latex"


@pytest.mark.parametrize("line", CODE)
def test_code(line):
    assert sign_of(line) == "code"


@pytest.mark.parametrize("line", PROSE)
def test_prose_is_neither(line):
    assert sign_of(line) is None


def test_no_line_of_real_prose_is_taken_for_code():
    for language in ("fr", "en"):
        texts = [path.read_text("utf-8") for path in (MIE / language).glob("*.txt")]
        lines = [line for text in texts for line in text.splitlines()]
        assert len(lines) > 300
        assert not [line for line in lines if sign_of(line)]


def test_stretches_of_real_programs_are_found():
    num, num_found = 0, 0
    for path in sorted((MIE / "code").glob("*.py")):
        lines = path.read_text("utf-8").splitlines()
        for start in range(0, len(lines) - 6, 6):
            num += 1
            num_found += any(piece.kind == "code" for piece in pieces("\n".join(lines[start : start + 6]), []))
    assert num > 15
    assert num_found / num > 0.9


def test_what_is_indented_below_code_is_code():
    text = "def moyenne(valeurs):\n    somme et puis le reste des valeurs\n\nEt voilà le programme de la moyenne."
    assert [piece.kind for piece in pieces(text, [])] == ["code", "code", "fr"]
