"""Tables of values, family by family: documented test values, and twins that a checksum or a rule refuses."""

import pytest

from midwatch_core import Part, Text
from midwatch_pii import Pii

PLUGIN = Pii()


def found(text: str) -> list[tuple[str, str]]:
    """Kind and value of every detection."""
    return [(one.kind, text[one.start : one.end]) for one in PLUGIN.inspect_text(Text(text), Part.USER)]


# The value to be found stands between « and », which are taken away.
FOUND = [
    ("EMAIL", "write to «jane.doe+x@corp.io», please"),
    ("EMAIL", "'«o'brien@mail.co.uk»'"),
    ("EMAIL", "<mailto:«a_b@xn--bcher-kva.de»>"),
    ("EMAIL", "«jürgen@bücher.de»"),
    ("PHONE", "ring «+44 20 7946 0958» today"),
    ("PHONE", "Tel.: «+49 30 901820»"),
    ("PHONE", "«+1 (212) 736-5000»"),
    ("PHONE", "«(+44) 20 7946 0958»"),
    ("PHONE", "«+33 1 42 68 53 00»"),
    ("PHONE", "«+971 50 123 4567»"),
    ("PHONE", "«+254712123456»"),
    ("PHONE", "«+81 3-5253-1111»"),
    ("PHONE", "«+55 11 91234-5678»"),
    ("PHONE", "«(212) 736-5000»"),
    ("PHONE", "«212-736-5000»"),
    ("PHONE", "Telefon: «030 901820»"),
    ("PHONE", "手机：«13800138000»"),
    ("PHONE", "You can call «0487 23 46 71»"),
    ("PHONE", "«22 498317» office"),
    ("CARD", "«4111111111111111»"),
    ("CARD", "«4111 1111 1111 1111» 12/29"),
    ("CARD", "«5555-5555-5555-4444»"),
    ("CARD", "amex «378282246310005»"),
    ("CARD", "«3782 822463 10005»"),
    ("CARD", "«6011111111111117»"),
    ("CARD", "«3530111333300000»"),
    ("CARD", "«30569309025904»"),
    ("CARD", "«2223003122003222»"),
    ("IBAN", "«GB82 WEST 1234 5698 7654 32»"),
    ("IBAN", "«DE89370400440532013000»"),
    ("IBAN", "to «FR14 2004 1010 0505 0001 3M02 606», now"),
    ("IBAN", "«NO93 8601 1117 947»"),
    ("IBAN", "«gb82west12345698765432»"),
    ("BANK_ROUTING", "routing number: «021000021»"),
    ("BANK_ROUTING", "sort code «20-00-00»"),
    ("BANK_ACCOUNT", "bank account number «12345678»"),
    ("BIC", "SWIFT code: «DEUTDEFF500»"),
    ("SSN", "«308-63-0237»"),
    ("SSN", "SSN «308630237»"),
    ("TAX_ID", "«390.533.447-05»"),
    ("TAX_ID", "CPF: «39053344705»"),
    ("TAX_ID", "«RSSMRA85T10A562S»"),
    ("TAX_ID", "CUIT «20-05536168-2»"),
    ("TAX_ID", "tax file number «123 456 782»"),
    ("TAX_ID", "Steuer-ID «36 574 261 809»"),
    ("TAX_ID", "UTR «1955839661»"),
    ("TAX_ID", "ITIN: «912-90-3456»"),
    ("NATIONAL_ID", "AHV «756.9217.0769.85»"),
    ("NATIONAL_ID", "DNI «54362315K»"),
    ("NATIONAL_ID", "NIE «X-2482300W»"),
    ("NATIONAL_ID", "SIN: «123-456-782»"),
    ("NATIONAL_ID", "numéro national «85.07.30-033.28»"),
    ("NATIONAL_ID", "ЕГН «7523169263»"),
    ("NATIONAL_ID", "身份证号：«11010519491231002X»"),
    ("NATIONAL_ID", "rodné číslo «710319/2745»"),
    ("NATIONAL_ID", "CPR «211062-5629»"),
    ("NATIONAL_ID", "isikukood «36805280109»"),
    ("NATIONAL_ID", "hetu «131052-308T»"),
    ("NATIONAL_ID", "sécurité sociale «2 95 10 99 126 111 93»"),
    ("NATIONAL_ID", "AMKA «01013099997»"),
    ("NATIONAL_ID", "OIB «33392005961»"),
    ("NATIONAL_ID", "aadhaar «2341 2341 2346»"),
    ("NATIONAL_ID", "kennitala «450401-3150»"),
    ("NATIONAL_ID", "asmens kodas «33309240064»"),
    ("NATIONAL_ID", "NRIC «770305-02-1234»"),
    ("NATIONAL_ID", "BSN «111222333»"),
    ("NATIONAL_ID", "fødselsnummer «15108695088»"),
    ("NATIONAL_ID", "CNIC «34201-0891231-8»"),
    ("NATIONAL_ID", "PESEL «44051401359»"),
    ("NATIONAL_ID", "CNP «1630615123457»"),
    ("NATIONAL_ID", "personnummer «880320-0016»"),
    ("NATIONAL_ID", "EMŠO «0101006500006»"),
    ("NATIONAL_ID", "TC Kimlik «17291716060»"),
    ("NATIONAL_ID", "ID number «7503305044089»"),
    ("NATIONAL_ID", "NINO «AB 12 34 56 C»"),
    ("NATIONAL_ID", "CURP «BOXW310820HNERXN09»"),
    ("NATIONAL_ID", "주민등록번호 «971013-9019902»"),
    ("PASSPORT", "passport number: «C01X00T47»"),
    ("PASSPORT", "Passport No. «123456789»"),
    ("PASSPORT", "«P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10»"),
    ("DRIVING_LICENCE", "driver's license number is «A56319335»"),
    ("DRIVING_LICENCE", "driving licence «MORGA657054SM9IJ»"),
    ("LICENCE_PLATE", "Kennzeichen «B-MW 1234»"),
    ("LICENCE_PLATE", "license plate «7ABC123»"),
    ("HEALTH_ID", "NHS number «943 476 5919»"),
    ("HEALTH_ID", "Medicare «1EG4-TE5-MK73»"),
    ("HEALTH_ID", "Medicare «2123 45670 1»"),
    ("HEALTH_ID", "MRN: «00123456»"),
    ("CRYPTO_WALLET", "«1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa»"),
    ("CRYPTO_WALLET", "«bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4»"),
    ("CRYPTO_WALLET", "wallet «0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed»"),
    ("IP", "from «86.231.85.193»:443"),
    ("IP", "client ip «2a00:1450:4001:81b::200e»"),
    ("MAC", "ether «3c:22:fb:12:34:56»"),
    ("ADDRESS", "I live at «1600 Pennsylvania Avenue»"),
    ("ADDRESS", "Anschrift: «Friedrichstraße 43»"),
    ("ADDRESS", "mail to «PO Box 1234»"),
    ("DATE_OF_BIRTH", "date of birth: «3/23/1940»"),
    ("DATE_OF_BIRTH", "geboren am «12. Mai 1971»"),
    ("DATE_OF_BIRTH", '{"dateOfBirth": "«1971-05-12»"}'),
]

REFUSED = [
    "jane@example.com and bob@mail.example.org",
    "logo@2x.png icon@large.svg",
    "git@github.com:org/repo.git",
    "Co-Authored-By: Claude Opus 5.5 <noreply@anthropic.com>",
    "https://user:secret@host.internal.io/path",
    "pip install foo@1.2.3",
    "@app.route('/users')",
    "4111111111111112",
    "1234567890123456",
    "0.4111111111111111",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "GB83 WEST 1234 5698 7654 32",
    "DE8937040044053201300",
    "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 078-05-1120",
    "routing number 021000022",
    "021000021",
    "PESEL 44051401358",
    "44051401359",
    "NHS number 943 476 5918",
    "DNI 54362315Z",
    "身份证 111125944009100794",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "127.0.0.1 0.0.0.0 192.0.2.44 198.51.100.7 203.0.113.9",
    "version 1.2.3.4 and 999.1.1.1 and 10.0.0.0/8",
    "2001:db8::1 ::1 std::vector 12:30:45",
    "ff:ff:ff:ff:ff:ff",
    "SHA fingerprint 3c:22:fb:12:34:56:aa:bb",
    "the office was open 2019-2024",
    "call the function 1234567 times",
    "on 3/23/1940 the ship sailed",
    "the passport office has 12 desks",
    "phone 2024-01-02",
    "int(time()) + 11644473600",
    "a diff: +123456 -654321",
    "chapter 12 Main Results",
    "1700000000000 1700000000000000000",
]


@pytest.mark.parametrize(("kind", "marked"), FOUND, ids=[marked for _, marked in FOUND])
def test_finds(kind: str, marked: str) -> None:
    value = marked.split("«")[1].split("»")[0]
    assert found(marked.replace("«", "").replace("»", "")) == [(kind, value)]


@pytest.mark.parametrize("text", REFUSED)
def test_refuses(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", ["postgres://app:s3cr3t!Pass@db.acme.com/x", "see https://me:pw-1@acme.com now"])
def test_a_password_before_a_host_is_no_address_of_mail(text: str) -> None:
    assert "EMAIL" not in dict(found(text))


def test_an_address_in_a_path_or_query_is() -> None:
    text = "https://acme.com/users?mail=bob@acme.com"
    assert found(text) == [("EMAIL", "bob@acme.com")]
