"""French."""

from fournil.core.cues import Cues
from fournil.core.languages.language import Language
from fournil.core.speech import mark

_STOP_WORDS = """
à au aux avec ce ces cette comme dans de des du elle en est et être il ils je la le les leur lui mais ne nous on
ou où par pas plus pour que qui sa sans se ses si son sont sur un une vous c' d' j' l' m' n' qu' s' t'
"""

_FURNITURE = tuple(
    line.strip()
    for line in """
    tous droits réservés
    mentions légales
    politique de confidentialité
    politique de cookies
    politique des cookies
    politique en matière de cookies
    gestion des cookies
    gérer les cookies
    gérer mes cookies
    paramétrer les cookies
    paramètres des cookies
    accepter les cookies
    refuser les cookies
    tout accepter
    tout refuser
    utilise des cookies
    utilisons des cookies
    dépôt de cookies
    cookies et autres traceurs
    poursuivant votre navigation
    poursuivre votre navigation
    améliorer votre expérience
    mesurer l'audience
    mesure d'audience
    nos partenaires
    données personnelles
    vos préférences
    conditions générales
    conditions d'utilisation
    conditions de vente
    plan du site
    contactez-nous
    nous contacter
    qui sommes-nous
    à propos de nous
    mon compte
    mon panier
    ajouter au panier
    votre panier
    panier est vide
    voir le panier
    se connecter
    créer un compte
    mot de passe oublié
    connectez-vous
    inscrivez-vous
    s'inscrire à la newsletter
    notre newsletter
    lettre d'information
    retour en haut
    haut de page
    retour à l'accueil
    page d'accueil
    page suivante
    page précédente
    article suivant
    article précédent
    articles similaires
    lire la suite
    en savoir plus
    voir plus
    voir tous
    voir toutes
    afficher plus
    cliquez ici
    cliquer ici
    cliquez sur le lien
    clique ici
    partager sur
    suivez-nous
    rejoignez-nous
    abonnez-vous
    laisser un commentaire
    ajouter un commentaire
    votre adresse e-mail
    adresse e-mail ne sera pas publiée
    champs obligatoires
    livraison gratuite
    livraison offerte
    livraison rapide
    livraison express
    frais de port offerts
    paiement sécurisé
    paiement en plusieurs fois
    satisfait ou remboursé
    retours gratuits
    meilleur prix
    meilleurs prix
    prix imbattable
    prix imbattables
    petits prix
    pas cher
    en promotion
    code promo
    offre limitée
    offre spéciale
    offre exclusive
    offre valable
    stock limité
    stocks limités
    derniers articles
    en stock
    rupture de stock
    réponse sous
    profitez-en
    profitez de
    n'attendez plus
    commandez maintenant
    commander maintenant
    achetez maintenant
    devis gratuit
    demandez votre devis
    sans engagement
    sans obligation d'achat
    essai gratuit
    gratuit et sans
    gagner de l'argent
    gagnez de l'argent
    revenus passifs
    revenu passif
    liberté financière
    depuis chez vous
    retour affectif
    être aimé
    résultats garantis
    résultat garanti
    100 % garanti
    javascript est désactivé
    activer javascript
    activez javascript
    votre navigateur
    droit d'accès
    droit de rectification
    reproduction interdite
    toute reproduction
    """.splitlines()
    if line.strip()
)

LANGUAGE = Language(
    tag="fr",
    name=mark("French")["message"],
    native_name="français",
    stop_words=frozenset(_STOP_WORDS.split()),
    apostrophe_ends_word=True,
    # « l’ », « d’ » and « qu’ » are words here: spoken French has a mean below three letters.
    mean_word_length=(2.5, 10.0),
    speech_dashes="—–-",
    furniture=_FURNITURE,
    boilerplate=(
        "activer javascript",
        "activez javascript",
        "conditions générales d’utilisation",
        "conditions générales d'utilisation",
        "nous utilisons des cookies",
        "ce site utilise des cookies",
        "utilisation de cookies",
        "politique de confidentialité",
        "politique de cookies",
        "politique relative aux cookies",
    ),
    phone_regions=("FR", "BE", "CH", "LU", "CA"),
    cues=Cues(
        phone=(
            *(
                "tél",
                "tel.",
                "tel :",
                "tel:",
                "téléphone",
                "téléphoner",
                "téléphonez",
                "portable",
                "mobile",
                "gsm",
                "natel",
                "cellulaire",
            ),
            *("cell", "fixe", "ligne fixe", "ligne directe", "fax", "télécopie", "télécopieur", "télécopiez", "sms"),
            *("appelez", "appeler", "appelle", "rappelez", "rappeler", "joindre", "joignable", "contact", "contactez"),
            *("whatsapp", "orange money"),
        ),
        phone_perhaps=(
            *("standard", "accueil", "permanence", "astreinte", "à prévenir", "à aviser", "urgence", "réservation"),
            *("réservations", "renseignements", "agence", "domicile", "attestation au", "ligne", "prévenir"),
        ),
        own_number=(
            *("mon numéro", "mon num", "mon nouveau numéro", "son numéro", "leur numéro", "notre numéro", "ton numéro"),
            *("votre numéro", "nouveau numéro", "numéro de téléphone", "mon n°", "le numéro", "un numéro", "num"),
        ),
        birth=("né", "née", "nés", "nées", "né(e)", "né·e", "naissance", "naiss", "ddn", "anniversaire"),
        birth_labels=("date de naissance", "date et lieu de naissance", "naissance", "ne_le", "nee_le", "né_le", "ddn"),
        not_persons=(
            *(
                "chat",
                "chatte",
                "chaton",
                "chatons",
                "chien",
                "chienne",
                "chiot",
                "cheval",
                "jument",
                "poulain",
                "lapin",
            ),
            *(
                "vache",
                "veau",
                "association",
                "société",
                "entreprise",
                "club",
                "appli",
                "application",
                "site",
                "groupe",
            ),
            *(
                "marque",
                "loi",
                "projet",
                "festival",
                "revue",
                "journal",
                "parti",
                "mouvement",
                "idée",
                "maison",
                "usine",
            ),
            *(
                "compagnie",
                "fédération",
                "équipe",
                "école",
                "ville",
                "commune",
                "union",
                "traité",
                "coopérative",
                "asso",
            ),
            *("perroquet", "hamster", "âne", "agneau", "animal", "chorale", "blog", "forum", "boulangerie", "start-up"),
        ),
        months=(
            ("janvier", "janv"),
            ("février", "fevrier", "févr", "fév", "fev"),
            ("mars",),
            ("avril", "avr"),
            ("mai",),
            ("juin",),
            ("juillet", "juil"),
            ("août", "aout"),
            ("septembre", "sept"),
            ("octobre", "oct"),
            ("novembre", "nov"),
            ("décembre", "decembre", "déc", "dec"),
        ),
        address=(
            *("adresse", "adresse postale", "adresse suivante", "domicile", "domicilié", "domiciliée", "domiciliés"),
            *("domiciliées", "demeurant", "demeure", "résidant", "habitant", "j'habite", "nous habitons", "il habite"),
            *(
                "elle habite",
                "habite",
                "locataire du",
                "siège",
                "siège social",
                "sis",
                "sise",
                "expéditeur",
                "livraison",
            ),
            *("destinataire", "élit domicile", "pour visiter", "écrivez au", "écrire au", "livrer au", "facturer à"),
            *(
                "rendez-vous au",
                "réside",
                "résident",
                "vit au",
                "logé",
                "logée",
                "hébergé",
                "hébergée",
                "facturé à",
                "envoyer à",
                "retour à",
                "dernier domicile connu",
                "domicile élu",
                "adresse de livraison",
                "adresse de facturation",
                "résidence principale",
            ),
        ),
        streets=(
            *("rue", "r.", "avenue", "av.", "boulevard", "boul.", "bd", "bld", "blvd", "place", "pl.", "chemin", "ch."),
            *(
                "impasse",
                "imp.",
                "allée",
                "allées",
                "all.",
                "quai",
                "cours",
                "route",
                "rte",
                "square",
                "sentier",
                "ruelle",
            ),
            *("passage", "villa", "cité", "chaussée", "esplanade", "promenade", "rang", "montée", "côte", "faubourg"),
            *("traverse", "venelle", "mail", "voie", "rond-point", "hameau", "lieu-dit", "domaine", "ferme", "château"),
            *("moulin", "le bourg", "grand-rue", "grand'rue", "grande rue", "zi", "za", "zac", "zone", "lotissement"),
            *("lot", "quartier", "clos", "parvis", "sicap", "kerk", "mas", "manoir", "résidence", "drève", "clinique"),
        ),
        boxes=("bp", "b.p.", "cs", "c.s.", "tsa", "case postale", "cp", "c. p.", "c.p.", "boîte postale"),
        buildings=(
            *(
                "appartement",
                "appart",
                "app.",
                "apt",
                "bâtiment",
                "bât.",
                "bat.",
                "étage",
                "escalier",
                "esc.",
                "commune de",
            ),
            *("résidence", "immeuble", "chez", "c/o", "bureau", "succ.", "villa", "hôtel", "cabinet", "boîte", "bte"),
        ),
        password=(
            *(
                "mot de passe",
                "mots de passe",
                "mot_de_passe",
                "motdepasse",
                "mdp",
                "code wifi",
                "clé wifi",
                "clé wi-fi",
            ),
            *("phrase de passe", "passe :", "mot de passe wifi"),
        ),
        secret=("clé", "cle", "clef", "jeton", "clé d'api", "clé api", "clés"),
        company=("siren", "rcs", "r.c.s.", "registre du commerce", "siret", "n° siren", "numéro unique"),
        number_words=(
            *(("zéro", 0), ("un", 1), ("une", 1), ("deux", 2), ("trois", 3), ("quatre", 4), ("cinq", 5), ("six", 6)),
            *(("sept", 7), ("huit", 8), ("neuf", 9), ("dix", 10), ("onze", 11), ("douze", 12), ("treize", 13)),
            *(("quatorze", 14), ("quinze", 15), ("seize", 16), ("vingt", 20), ("trente", 30), ("quarante", 40)),
            *(("cinquante", 50), ("soixante", 60), ("septante", 70), ("huitante", 80), ("octante", 80)),
            *(("nonante", 90), ("cent", 100), ("cents", 100), ("vingts", 20)),
        ),
    ),
    identifiers=("nir",),
    articles=frozenset(("le", "la", "les", "l'", "un", "une", "des", "du")),
    prompts=(
        ("choice", "Question\N{NO-BREAK SPACE}: {question}\nRéponse\N{NO-BREAK SPACE}:"),
        ("choice in context", "{context}\n\nQuestion\N{NO-BREAK SPACE}: {question}\nRéponse\N{NO-BREAK SPACE}:"),
        ("classification", "Texte\N{NO-BREAK SPACE}: {text}\nCatégorie\N{NO-BREAK SPACE}:"),
        ("translation", "{from}\N{NO-BREAK SPACE}: {source}\n{to}\N{NO-BREAK SPACE}:"),
    ),
)
