"""Where someone lives or gets mail: street lines of many countries, with unit, place and code; post boxes."""

from midwatch_core import Severity
from midwatch_pii.recogniser import Recogniser

# Latin, Greek and Cyrillic: all letters of all scripts would make patterns too large for RE2's automaton.
_UPPER = "[A-ZÀ-ÞĀ-ſΆ-ΫЀ-Я]"
_LETTERS = "A-Za-zÀ-ɏͰ-ϿЀ-ӿ"
_STREETS = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Parkway|Pkwy|"
    r"Highway|Hwy|Circle|Crescent|Cres|Close|Gardens|Grove|Mews|Way|Row|Quay)"
)
# A name in a street's line: a capital, or one of the small words that stand in names.
_NAME = (
    rf"(?:{_UPPER}[{_LETTERS}0-9'’./-]*|[0-9]{{1,4}}(?:st|nd|rd|th)?|d[eaiou][lsnr]?|d'|l[aeo]s?|v[ao]n|den|der|dos|das|al|el|y|"
    r"rue|via|calle|rua|place|avenue|boulevard|ulica|utca|tér|u\.|ul\.|út|tee|gata|gate|vej|allé|katu)"
)
# The next part of an address: on this line, or on the next one, even a quoted one.
_NEXT = r"(?:,? |[ ,]{0,2}\r?\n{1,2}[ >?|*]{0,6})"
_UNIT = r"(?i:apt|apartment|suite|ste|flat|unit)\.? ?#?[0-9]{1,5}[A-Za-z]?"
_CODE = r"[0-9]{4,6}(?:-[0-9]{4})?\b"
# City and country up to a postal code: words on this line, or short lines.
_PLACE = rf"(?:(?:,? {_UPPER}[{_LETTERS}'’.-]+){{1,5}},? {_CODE}|(?:,?\s?\n{{1,2}}[ >?|*]{{0,6}}[^\n0-9]{{2,40}}){{1,3}}[ ,]{_CODE})"
_TAIL = rf"(?:{_NEXT}{_UNIT})?(?:{_PLACE}|,? {_UPPER}[{_LETTERS}]+(?: {_UPPER}[{_LETTERS}]+)?,? [A-Z]{{2}} [0-9]{{5}}(?:-[0-9]{{4}})?)?"
_HOME_WORDS = (
    "address", "my address", "home address", "live at", "lives at", "living at", "residence", "resides at", "ship to", "shipping",
    "deliver", "delivered", "delivery", "mail to", "street", "located at", "sent to", "arrived at", "office is at", "come to",
    "home", "billing", "adresse", "anschrift", "wohnt", "wohnhaft", "dirección", "direccion", "domicilio", "indirizzo", "endereço", "adres",
    "habite", "vive en", "abita", "adresse postale", "taxi to", "return to",
)  # fmt: skip
# Words after which a place must follow.
_AT = (
    "address is", "address to", "address to the same", "address with", "'s address", "his address", "her address", "my address",
    "their address", "new address", "home address", "billing address", "shipping address", "postal address", "live at", "lives at",
    "living at", "lived at", "resides at", "residing at", "ship to", "deliver to", "delivered to", "mail to", "taxi to", "return to",
    "arrived at", "office is at", "located at", "meet at", "enter on", "corner of", "refers to", "wohnt in", "wohnhaft", "anschrift", "adresse",
    "dirección", "domicilio", "indirizzo", "endereço", "habite", "vive en", "abita",
)  # fmt: skip
# German, Dutch, Nordic and Hungarian streets: the kind is the word's end, or a word of its own; the number is last.
_SUFFIXED = (
    rf"(?:[{_LETTERS}]{{2,}}(?:straße|strasse|stasse|str\.|weg|platz|allee|gasse|straat|laan|plein|kade|gatan|vägen|vej|veien|stigen|"
    rf"vegur|gata|katu|tie|utca)|{_UPPER}[{_LETTERS}-]+ (?:straße|weg|platz|allee|gate|gata|vei|vej|utca|tér|u\.|út|ulica|ulice|tee|katu))"
)
# Romance and Slavic streets: the kind is first.
_PREFIXED = (
    r"(?:[Rr]ue|[Vv]ia|[Vv]iale|[Cc]alle|[Rr]ua|[Aa]venida|Avda\.?|Av\.|Ctra\.|[Cc]arretera|[Pp]laza|[Pp]iazza|[Cc]orso|[Aa]venue|"
    r"[Bb]oulevard|[Aa]llée|[Cc]hemin|[Qq]uai|[Pp]raça|[Tt]ravessa|[Ll]argo|[Cc]amino|[Pp]aseo|ul\.|ulica|al\.)"
)
_NAMES_OF_STREET = (
    rf"(?: (?:de|la|del|du|des|da|do|das|dos|dei|della|di|le|les|los|l'|d'))*(?: ?{_UPPER}[{_LETTERS}'’.-]+){{1,4}}"
)

ADDRESS = (
    Recogniser(
        rule="street-address",
        kind="ADDRESS",
        title="Street address",
        pattern=rf"\b[0-9]{{1,5}}[A-Za-z]?,? (?:[0-9]{{1,5}} )?(?:(?:[NSEW]|North|South|East|West)\.? )?(?:[A-Z][{_LETTERS}'’.-]+ |[0-9]{{1,3}}(?:st|nd|rd|th) ){{1,3}}{_STREETS}\b\.?{_TAIL}",
        alone=0.6,
        near=0.85,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="street-address-unit",
        kind="ADDRESS",
        title="Street line and unit",
        pattern=rf"\b[0-9]{{1,5}}(?: {_NAME}){{1,6}},?\.?{_NEXT}{_UNIT}\b(?:{_PLACE})?",
        alone=0.65,
        near=0.85,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="street-address-unit-lines",
        kind="ADDRESS",
        title="Street line, and the unit on the next",
        pattern=rf"(?i)\b[0-9]{{1,5}}(?: [{_LETTERS}0-9][{_LETTERS}0-9'’./-]*){{1,6}},?\.?[ ,]{{0,2}}\r?\n[ >?|*]{{0,6}}(?:apt|apartment|suite|ste|flat)\.? ?#?[0-9]{{1,5}}[a-z]?\b(?:{_PLACE})?",
        alone=0.65,
        near=0.85,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="street-address-number-last",
        kind="ADDRESS",
        title="Street address with the number last",
        pattern=rf"(?:\b[0-9]{{1,3}} )?(?:{_SUFFIXED}|{_PREFIXED}{_NAMES_OF_STREET},?) [0-9]{{1,4}}(?: ?[a-zA-Z])?\b\.?{_TAIL}",
        alone=0.6,
        near=0.8,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="street-address-french",
        kind="ADDRESS",
        title="Street address, French form",
        pattern=rf"\b(?:[0-9]{{1,3}} )?[0-9]{{1,4}}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|allée|chemin|quai|impasse|route|cours|Rue|Avenue|Boulevard|Place|Allée|Chemin|Quai|Impasse){_NAMES_OF_STREET}{_TAIL}",
        alone=0.6,
        near=0.85,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="street-address-labelled",
        kind="ADDRESS",
        title="House number and name, after a word for an address",
        pattern=rf"\b[0-9]{{1,5}}(?: {_NAME}){{1,5}}(?:,? {_UPPER}[{_LETTERS}'’.-]+|\b)|\b(?:{_UPPER}[{_LETTERS}'’-]+ ){{1,3}}[0-9]{{1,4}}\b",
        near=0.7,
        labels=_AT,
        within=12,
    ),
    Recogniser(
        rule="military-address",
        kind="ADDRESS",
        title="Military post, United States",
        pattern=rf"(?i)\b(?:(?:PSC|Unit|CMR) [0-9]{{1,5}},? Box [0-9]{{1,5}}|US(?:NS|S|CGC|NV) [A-Z][{_LETTERS}]+)[\s,>?]{{1,6}}(?:APO|FPO|DPO)\b(?:,? (?:AP|AE|AA)\b)?(?: [0-9]{{5}}(?:-[0-9]{{4}})?\b)?",
        alone=0.85,
        near=0.9,
        labels=_HOME_WORDS,
        marks="oO",
    ),
    Recogniser(
        rule="post-box",
        kind="ADDRESS",
        title="Post office box",
        pattern=rf"(?:\b[0-9]{{1,3}} )?(?i:\bp\.? ?o\.? ?box|\bpost(?:box|boks|fach|bus)|\bapartado|\bcasilla) [0-9]{{1,6}}\b{_TAIL}",
        alone=0.6,
        near=0.8,
        labels=_HOME_WORDS,
        severity=Severity.LOW,
        marks="oO",
    ),
)
