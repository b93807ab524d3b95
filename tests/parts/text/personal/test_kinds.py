"""Each kind of personal data: what is found, and what only looks like it."""

import pytest
from stdnum import iban, luhn
from stdnum.fr import siren

from fournil.core.languages import language
from fournil.parts.text.personal import KINDS, MARKS, find_personal_data, mask
from fournil.stages.curate.sections import personal_data as section

BOTH = (language("fr"), language("en"))


def masked(text: str, *, spare: tuple[str, ...] = ()) -> str:
    return mask(text, find_personal_data(text, languages=BOTH, spare=spare))


def test_the_settings_name_every_kind() -> None:
    assert section.KINDS == KINDS == tuple(MARKS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail : jeanne (arobase) fournil (point) fr", "mail : [E-MAIL]"),
        ("write to jo dot lin at free dot fr please", "write to [E-MAIL] please"),
        ("mysql://root:Tr0ubadour@db.free.fr/x", "mysql://root:[PASSWORD]@db.free.fr/x"),
    ],
)
def test_mail_and_what_shares_its_sign(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("appelle au 06/12/34/56/78", "appelle au [PHONE]"),
        ("bureau +33 (0)1 42 68 53 00 poste 2", "bureau [PHONE] poste 2"),
        ("zéro six douze trente-quatre cinquante-six soixante-dix-huit, voilà", "[PHONE], voilà"),
        ("oh two oh, seven nine four six, one two three four", "[PHONE]"),
        ("Réf. 0612345678", "Réf. 0612345678"),
        ("01 00 00 00 00 00 00 00", "01 00 00 00 00 00 00 00"),
        ("le zéro six pour le lot A", "le zéro six pour le lot A"),
        ("décret C.P. 2003-2064", "décret C.P. 2003-2064"),
    ],
)
def test_telephone_numbers(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_a_number_without_its_country_follows_a_word_or_a_column() -> None:
    assert masked("Nom;Ville;Téléphone\nAwa;Dakar;77 555 12 34") == "Nom;Ville;Téléphone\nAwa;Dakar;[PHONE]"
    assert masked("Nom;Ville;Stock\nAwa;Dakar;77 555 12 34") == "Nom;Ville;Stock\nAwa;Dakar;77 555 12 34"


def test_cards_have_a_brand_and_luhn_s_check() -> None:
    number = "497010123456788"
    number += luhn.calc_check_digit(number)
    spaced = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    assert masked(f"carte {spaced}, fin 09/27") == "carte [CARD], fin 09/27"
    assert masked(f"commande n° {spaced}") == f"commande n° {spaced}"
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert masked(f"carte {other}") == f"carte {other}"


def test_a_siren_needs_a_word_and_a_siret_none() -> None:
    number = next(str(each) for each in range(512_847_370, 512_847_380) if siren.is_valid(str(each)))
    assert masked(f"RCS Lyon {number}, tome 3") == "RCS Lyon [SIREN], tome 3"
    assert masked(f"tome {number}, page 3") == f"tome {number}, page 3"
    nic = next(f"000{each:02}" for each in range(100) if luhn.is_valid(f"{number}000{each:02}"))
    assert masked(f"n° {number[:3]} {number[3:6]} {number[6:]} {nic}") == "n° [SIRET]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TVA FR 83 404 833 048.", "TVA [TAX NUMBER]."),
        ("SSN: 536-90-4399", "SSN: [TAX NUMBER]"),
        ("N° AVS 756.9217.0769.85", "N° AVS [TAX NUMBER]"),
        ("AVS 756.9217.0769.84", "AVS 756.9217.0769.84"),
        ("National Insurance AB 12 34 56 C, weekly", "National Insurance [TAX NUMBER], weekly"),
        ("pièce 91-1144442 du dossier", "pièce 91-1144442 du dossier"),
        ("EIN 91-1144442", "EIN [TAX NUMBER]"),
    ],
)
def test_tax_numbers(text: str, expected: str) -> None:
    assert masked(text) == expected


SECRET = "q8Rw3TzK" + "v5Yb7Nc2Hd4Jf6Lg"  # in two pieces, for those who look for keys in repositories


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"export API_KEY={SECRET}", "export API_KEY=[KEY]"),
        ("ghp" + f"_{SECRET}9876 is mine", "[KEY] is mine"),
        ("API_KEY=YOUR_API_KEY_HERE_123", "API_KEY=YOUR_API_KEY_HERE_123"),
        ("commit 9f3c2ab81d07c4b2a95f6d3c1e0b7a8f9d2c4e6a", "commit 9f3c2ab81d07c4b2a95f6d3c1e0b7a8f9d2c4e6a"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "[KEY]"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",) * 2,
    ],
)
def test_keys(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mot de passe : Bergamote54!", "mot de passe : [PASSWORD]"),
        ("the password is t4dpoles&rain, ok", "the password is [PASSWORD], ok"),
        ('"password": "vole-Tangent-18"', '"password": "[PASSWORD]"'),
        ("password: Specifies the secret of the new user.", "password: Specifies the secret of the new user."),
        ("mot de passe : Indique celui du compte", "mot de passe : Indique celui du compte"),
        ("password: Specifies", "password: [PASSWORD]"),
        ("password: Specifies7 the", "password: [PASSWORD] the"),
        ("see passwd(1ssl), passwd(5) and login(1)", "see passwd(1ssl), passwd(5) and login(1)"),
        ("passwd(5): Berga54!x", "passwd(5): [PASSWORD]"),
        ("le hachage de mots de passe Argon2id, puis", "le hachage de mots de passe Argon2id, puis"),
        ("le mot de passe Vargon2id, puis", "le mot de passe [PASSWORD], puis"),
        ('echo "New password is : " . $new_pw . "";', 'echo "New password is : " . $new_pw . "";'),
        ("A: le mdp ?\nB: Marmotte2024&\n", "A: le mdp ?\nB: [PASSWORD]\n"),
        ("mot de passe oublié ? cliquez", "mot de passe oublié ? cliquez"),
        ("password = $_POST['password'] ?? ''", "password = $_POST['password'] ?? ''"),
        ("PASSWORD_DEFAULT et password_hash", "PASSWORD_DEFAULT et password_hash"),
        ("password: ********", "password: ********"),
        ("connect('localhost', 'my_password', 'world')", "connect('localhost', 'my_password', 'world')"),
    ],
)
def test_passwords(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Léa, née le 3 février 1991 à Albi", "Léa, née le [BIRTH DATE] à Albi"),
        ("NÉE LE 03/02/1991", "NÉE LE [BIRTH DATE]"),
        ("né à Foix le 1er avril 1969", "né à Foix le [BIRTH DATE]"),
        ("né le douze mars mil neuf cent quarante-six à Foix", "né le [BIRTH DATE] à Foix"),
        ("Date of birth (yyyy-mm-dd): 1979-05-21", "Date of birth (yyyy-mm-dd): [BIRTH DATE]"),
        ("mon chat est né le 12 mars 2021", "mon chat est né le 12 mars 2021"),
        ("Née le 4 mai 1998 dans un café, l'association", "Née le 4 mai 1998 dans un café, l'association"),
        ("Hugo, né le 26 février 1802", "Hugo, né le 26 février 1802"),
        ("elle est née avant le 17 avril 1985", "elle est née avant le 17 avril 1985"),
        ("né le 31 février 1985", "né le 31 février 1985"),
        ("Née en 1988, trilingue", "Née en 1988, trilingue"),
    ],
)
def test_dates_of_birth(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("demeurant 12, rue de l'Église, 57000 Metz.", "demeurant [ADDRESS]."),
        ("Léa Roux\n12 rue du Four\n34150 Aniane\n\nMadame,", "Léa Roux\n[ADDRESS]\n\nMadame,"),
        ("residing at 8 Cefn Terrace, Nantgoch, LL98 1DB and", "residing at [ADDRESS] and"),
        ("Home address: 1207 W. Mulberry St., Fort Larkin, KS 66999. Tel", "Home address: [ADDRESS]. Tel"),
        ("18, rang Saint-Achille, Saint-Pascal (Québec) G0L 3Y0", "[ADDRESS]"),
        ("Elle monta au 48 de la rue Blanche, à Paris.", "Elle monta au 48 de la rue Blanche, à Paris."),
        ("Je demeure rue de la Pépinière, 40.", "Je demeure rue de la Pépinière, 40."),
        ("on Tuesday, April 12, 1952 Anno Domini", "on Tuesday, April 12, 1952 Anno Domini"),
        ("adresse IP 10.1.2.3, siège 23C, porte F48", "adresse IP 10.1.2.3, siège 23C, porte F48"),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_what_is_reserved_is_masked_when_asked_for() -> None:
    text = "jo@example.org, postmaster@free.fr, 192.0.2.44, 01 99 00 12 34"
    assert masked(text, spare=("reserved", "roles")) == text
    assert masked(text, spare=("roles",)) == "[E-MAIL], postmaster@free.fr, [IP], [PHONE]"
    assert masked(text, spare=("reserved",)) == "jo@example.org, [E-MAIL], 192.0.2.44, 01 99 00 12 34"


def test_an_iban_may_have_hyphens() -> None:
    assert iban.is_valid("FR7630004008280001234567841")
    assert masked("IBAN FR76-3000-4008-2800-0123-4567-841 !") == "IBAN [IBAN] !"
