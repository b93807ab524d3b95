"""English."""

from fournil.core.cues import Cues
from fournil.core.languages.language import Language
from fournil.core.speech import mark

_STOP_WORDS = """
a an and are as at be but by can for from had has have he her his i if in is it its not of on or she so that the
their them there they this to was we were which who will with would you your
"""

_FURNITURE = tuple(
    line.strip()
    for line in """
    all rights reserved
    privacy policy
    cookie policy
    cookie settings
    accept all
    reject all
    accept cookies
    uses cookies
    use cookies
    our partners
    your experience
    terms of use
    terms of service
    terms and conditions
    contact us
    about us
    site map
    my account
    add to cart
    your cart
    shopping cart
    sign up
    create an account
    forgot your password
    our newsletter
    back to top
    next page
    previous page
    related articles
    read more
    learn more
    see more
    view all
    show more
    click here
    share on
    follow us
    subscribe now
    leave a comment
    post a comment
    required fields
    free shipping
    free delivery
    fast delivery
    secure payment
    money back
    best price
    best prices
    on sale
    promo code
    limited offer
    limited time
    special offer
    in stock
    out of stock
    buy now
    order now
    shop now
    act now
    free quote
    free trial
    no obligation
    make money
    passive income
    financial freedom
    work from home
    guaranteed results
    enable javascript
    your browser
    """.splitlines()
    if line.strip()
)

LANGUAGE = Language(
    tag="en",
    name=mark("English")["message"],
    native_name="English",
    stop_words=frozenset(_STOP_WORDS.split()),
    mean_word_length=(3.0, 10.0),
    furniture=_FURNITURE,
    boilerplate=(
        "enable javascript",
        "turn on javascript",
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    ),
    phone_regions=("US", "GB", "CA", "IE", "AU"),
    cues=Cues(
        phone=(
            *("tel.", "tel:", "tel :", "phone", "telephone", "mobile", "cell", "cellphone", "landline", "fax", "tel."),
            *(
                "sms",
                "switchboard",
                "hotline",
                "dial-in",
                "whatsapp",
                "helpline",
                "alerts to",
                "reach me on",
                "reach me at",
            ),
            *("reached at", "reached on", "get me on", "pager"),
        ),
        phone_perhaps=(
            *(
                "call",
                "called",
                "ring",
                "text",
                "dial",
                "line",
                "contact",
                "reach me",
                "directions from",
                "home",
                "work",
            ),
            *("emergency line", "office"),
        ),
        own_number=(
            *("my number", "his number", "her number", "their number", "our number", "new number", "the number"),
            *("number in", "number is", "phone number", "his is", "hers is", "mine is"),
        ),
        birth=(
            "born",
            "birth",
            "birthday",
            "birthdate",
            "birth_date",
            "dateofbirth",
            "date_of_birth",
            "dob",
            "d.o.b.",
            "d.o.b",
        ),
        birth_labels=(
            "date of birth",
            "birth date",
            "birthdate",
            "birth_date",
            "dateofbirth",
            "date_of_birth",
            "dob",
            "d.o.b.",
            "birthday",
            "born",
        ),
        not_persons=(
            *("dog", "cat", "puppy", "kitten", "horse", "foal", "mare", "pony", "calf", "lamb", "parrot", "rabbit"),
            *(
                "company",
                "firm",
                "club",
                "society",
                "association",
                "charity",
                "group",
                "band",
                "app",
                "website",
                "site",
            ),
            *("idea", "festival", "magazine", "law", "movement", "brand", "school", "town", "project", "bitch", "pet"),
            *("animal", "animals", "chip", "herd", "litter", "union", "league", "journal", "newspaper", "blog"),
        ),
        months=(
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        address=(
            *("address", "following address", "mailing address", "postal address", "home address", "this address"),
            *("residing at", "resides at", "reside at", "living at", "lives at", "live at", "i live at", "resident at"),
            *("registered office at", "registered office is at", "registered office", "correspondence address"),
            *(
                "delivery address",
                "deliver to",
                "delivery",
                "ship to",
                "shipped to",
                "bill to",
                "send it to",
                "mailed to",
            ),
            *(
                "beneficiary address",
                "utility bill showing",
                "until july at least",
                "moved to",
                "domiciled at",
                "box is",
            ),
            *(
                "our address",
                "my address",
                "lived at",
                "living in",
                "residing in",
                "staying at",
                "stays at",
                "return address",
                "billing address",
                "shipping address",
                "registered address",
                "place of business",
                "premises at",
                "invoice to",
                "dwelling at",
                "new address",
                "to this office",
                "now at",
                "llp, of",
                "ltd, of",
                "limited, of",
                "and of",
            ),
        ),
        streets=(
            *("street", "st", "st.", "road", "rd", "rd.", "lane", "ln", "avenue", "ave", "ave.", "drive", "dr", "dr."),
            *("terrace", "close", "court", "ct", "crescent", "way", "place", "pl", "square", "sq", "hill", "steps"),
            *(
                "row",
                "yard",
                "wynd",
                "quay",
                "mews",
                "gardens",
                "grove",
                "park",
                "plaza",
                "boulevard",
                "blvd",
                "parade",
            ),
            *("walk", "view", "highway", "hwy", "parkway", "pkwy", "circle", "trail", "county road", "main street"),
        ),
        boxes=("po box", "p.o. box", "p. o. box", "box", "pmb"),
        buildings=(
            *(
                "flat",
                "apt",
                "apartment",
                "unit",
                "suite",
                "floor",
                "room",
                "house",
                "cottage",
                "garden flat",
                "chambers",
            ),
            *("building", "c/o", "station", "farm", "lodge", "forge", "mill"),
        ),
        password=("password", "passwd", "passphrase", "pwd", "pw", "pass", "psk", "passcode word"),
        secret=("key", "token", "secret", "api key", "apikey", "credential", "bearer", "sid"),
        company=("siren", "rcs", "r.c.s.", "company number", "siret", "registered in", "under number"),
        number_words=(
            *(("zero", 0), ("oh", 0), ("o", 0), ("nought", 0), ("one", 1), ("two", 2), ("three", 3), ("four", 4)),
            *(("five", 5), ("six", 6), ("seven", 7), ("eight", 8), ("nine", 9)),
        ),
    ),
    articles=frozenset(("a", "an", "the")),
    prompts=(
        ("choice", "Question: {question}\nAnswer:"),
        ("choice in context", "{context}\n\nQuestion: {question}\nAnswer:"),
        ("classification", "Text: {text}\nCategory:"),
        ("translation", "{from}: {source}\n{to}:"),
    ),
)
