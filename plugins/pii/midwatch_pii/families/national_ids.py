"""National identity and tax numbers: their written shape, their words, and python-stdnum's validators."""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from stdnum.exceptions import ValidationError

from midwatch_core import Severity
from midwatch_pii.recogniser import Recogniser, whole

# Advertised or printed on sample cards, never a person's (Social Security Administration).
_NOBODYS_SSN = frozenset({"078051120", "219099999", "457555462"})


def is_ssn(candidate: str) -> bool:
    """The Social Security Administration's rules: no 000, 666 or 9xx area, no 00 group, no 0000 serial."""
    digits = candidate.replace("-", "").replace(" ", "")
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return digits not in _NOBODYS_SSN and len(set(digits)) > 1


@lru_cache(maxsize=64)
def _validator(module: str) -> Callable[[str], object]:
    """The function `validate` of a module of python-stdnum, imported when its word is first seen."""
    found: Callable[[str], object] = import_module(f"stdnum.{module}").validate
    return found


def stdnum(module: str) -> Callable[[str], bool]:
    """A check that asks python-stdnum."""

    def valid(candidate: str) -> bool:
        try:
            _validator(module)(candidate)
        except (ValidationError, LookupError, ValueError, TypeError):
            # Beside its own error it raises others for some numbers: cn.ric KeyError for a place with no county.
            return False
        return True

    return valid


# rule, kind, title, module of python-stdnum, shape, words (lower case, | between), confidence without a word.
_TABLE: tuple[tuple[str, str, str, str, str, str, float], ...] = (
    ("ar-cuit", "TAX_ID", "Argentina: CUIT/CUIL", "ar.cuit", r"\b(?:20|23|24|27|30|33|34)-?[0-9]{8}-?[0-9]\b", "cuit|cuil", 0),
    ("at-vnr", "NATIONAL_ID", "Austria: Versicherungsnummer", "at.vnr", r"\b[0-9]{4} ?[0-9]{6}\b", "versicherungsnummer|svnr|sv-nummer|sozialversicherungsnummer", 0),
    ("au-tfn", "TAX_ID", "Australia: tax file number", "au.tfn", r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b", "tfn|tax file number", 0),
    ("be-nn", "NATIONAL_ID", "Belgium: national number", "be.nn", r"\b[0-9]{2}\.?[0-9]{2}\.?[0-9]{2}[- ]?[0-9]{3}\.?[0-9]{2}\b", "rijksregisternummer|numéro national|numero national|national number|nationaal nummer|insz|niss|registre national", 0),
    ("bg-egn", "NATIONAL_ID", "Bulgaria: EGN", "bg.egn", r"\b[0-9]{10}\b", "егн|egn", 0),
    ("br-cpf", "TAX_ID", "Brazil: CPF", "br.cpf", r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b", "cpf", 0.9),
    ("br-cpf-plain", "TAX_ID", "Brazil: CPF, without dots", "br.cpf", r"\b[0-9]{9}-?[0-9]{2}\b", "cpf", 0),
    ("ca-sin", "NATIONAL_ID", "Canada: social insurance number", "ca.sin", r"\b[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}\b", "sin|social insurance number|social insurance|numéro d'assurance sociale", 0),
    ("ch-ahv", "NATIONAL_ID", "Switzerland: AHV number", "ch.ssn", r"\b756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}\b", "ahv|avs|ahv-nummer|ahv-nr", 0.8),
    ("cl-rut", "NATIONAL_ID", "Chile: RUT", "cl.rut", r"\b[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}-[0-9Kk]\b", "rut|run", 0),
    ("cn-ric", "NATIONAL_ID", "China: resident identity", "cn.ric", r"\b[1-9][0-9]{16}[0-9Xx]\b", "身份证|身份证号|身份证号码|resident identity|identity card|id card|shenfenzheng", 0.7),
    ("cu-ni", "NATIONAL_ID", "Cuba: identity number", "cu.ni", r"\b[0-9]{11}\b", "carné de identidad|carnet de identidad", 0),
    ("cz-rc", "NATIONAL_ID", "Czechia: rodné číslo", "cz.rc", r"\b[0-9]{6}/?[0-9]{3,4}\b", "rodné číslo|rodne cislo|rč", 0),
    ("de-idnr", "TAX_ID", "Germany: Steuer-ID", "de.idnr", r"\b[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b", "steuer-id|steueridentifikationsnummer|steuerid|identifikationsnummer|idnr|steuer id", 0),
    ("dk-cpr", "NATIONAL_ID", "Denmark: CPR", "dk.cpr", r"\b[0-9]{6}-?[0-9]{4}\b", "cpr|cpr-nr|cpr-nummer|personnummer", 0),
    ("do-cedula", "NATIONAL_ID", "Dominican Republic: cédula", "do.cedula", r"\b[0-9]{3}-?[0-9]{7}-?[0-9]\b", "cédula|cedula", 0),
    ("ec-ci", "NATIONAL_ID", "Ecuador: cédula", "ec.ci", r"\b[0-9]{9}-?[0-9]\b", "cédula|cedula|cédula de identidad|cedula de identidad", 0),
    ("ee-ik", "NATIONAL_ID", "Estonia: isikukood", "ee.ik", r"\b[1-8][0-9]{10}\b", "isikukood|personal code", 0),
    ("es-dni", "NATIONAL_ID", "Spain: DNI", "es.dni", r"(?i)\b[0-9]{8}[- ]?[A-HJ-NP-TV-Z]\b", "dni|nif|documento nacional de identidad|documento de identidad", 0.5),
    ("es-nie", "NATIONAL_ID", "Spain: NIE", "es.nie", r"(?i)\b[XYZ][- ]?[0-9]{7}[- ]?[A-HJ-NP-TV-Z]\b", "nie|número de extranjero", 0.6),
    ("fi-hetu", "NATIONAL_ID", "Finland: henkilötunnus", "fi.hetu", r"\b[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]\b", "hetu|henkilötunnus|henkilotunnus", 0.7),
    ("fr-nir", "NATIONAL_ID", "France: numéro de sécurité sociale", "fr.nir", r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b", "sécurité sociale|securite sociale|nir|insee|numéro de sécu", 0.6),
    ("gr-amka", "NATIONAL_ID", "Greece: AMKA", "gr.amka", r"\b[0-9]{11}\b", "αμκα|amka", 0),
    ("hr-oib", "NATIONAL_ID", "Croatia: OIB", "hr.oib", r"\b[0-9]{11}\b", "oib", 0),
    ("id-nik", "NATIONAL_ID", "Indonesia: NIK", "id.nik", r"\b[0-9]{16}\b", "nik|ktp", 0),
    ("ie-pps", "NATIONAL_ID", "Ireland: PPS number", "ie.pps", r"\b[0-9]{7}[A-W][ABHWTX]?\b", "pps|ppsn|pps number", 0),
    ("il-idnr", "NATIONAL_ID", "Israel: identity number", "il.idnr", r"\b[0-9]{8,9}\b", "teudat zehut|תעודת זהות|ת.ז|מספר זהות|israeli id", 0),
    ("in-aadhaar", "NATIONAL_ID", "India: Aadhaar", "in_.aadhaar", r"\b[2-9][0-9]{3}[- ]?[0-9]{4}[- ]?[0-9]{4}\b", "aadhaar|aadhar|uidai|आधार", 0),
    ("in-pan", "TAX_ID", "India: PAN", "in_.pan", r"\b[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]\b", "pan|pan card|pan number|permanent account number", 0),
    ("is-kennitala", "NATIONAL_ID", "Iceland: kennitala", "is_.kennitala", r"\b[0-9]{6}-?[0-9]{4}\b", "kennitala|kt", 0),
    ("it-codice-fiscale", "TAX_ID", "Italy: codice fiscale", "it.codicefiscale", r"(?i)\b[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]\b", "codice fiscale|c.f.|cf", 0.95),
    ("jp-my-number", "NATIONAL_ID", "Japan: My Number", "jp.in_", r"\b[0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]{4}\b", "マイナンバー|個人番号|my number", 0),
    ("kr-rrn", "NATIONAL_ID", "South Korea: resident registration", "kr.rrn", r"\b[0-9]{6}-[0-9]{7}\b", "주민등록번호|resident registration|rrn", 0.8),
    ("lt-asmens", "NATIONAL_ID", "Lithuania: asmens kodas", "lt.asmens", r"\b[1-6][0-9]{10}\b", "asmens kodas", 0),
    ("lv-pk", "NATIONAL_ID", "Latvia: personas kods", "lv.pvn", r"\b[0-9]{6}-?[0-9]{5}\b", "personas kods", 0),
    ("mx-curp", "NATIONAL_ID", "Mexico: CURP", "mx.curp", r"\b[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]\b", "curp", 0.95),
    ("mx-rfc", "TAX_ID", "Mexico: RFC", "mx.rfc", r"\b[A-Z&Ñ]{4}[0-9]{6}[0-9A-Z]{3}\b", "rfc", 0),
    ("my-nric", "NATIONAL_ID", "Malaysia: NRIC", "my.nric", r"\b[0-9]{6}-?[0-9]{2}-?[0-9]{4}\b", "nric|mykad|kad pengenalan|ic number|no. kp", 0),
    ("nl-bsn", "NATIONAL_ID", "Netherlands: BSN", "nl.bsn", r"\b[0-9]{9}\b|\b[0-9]{4}\.[0-9]{2}\.[0-9]{3}\b", "bsn|burgerservicenummer|sofinummer|sofi-nummer", 0),
    ("no-fodselsnummer", "NATIONAL_ID", "Norway: fødselsnummer", "no.fodselsnummer", r"\b[0-9]{6} ?[0-9]{5}\b", "fødselsnummer|fodselsnummer|personnummer|fnr", 0),
    ("nz-ird", "TAX_ID", "New Zealand: IRD", "nz.ird", r"\b[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}\b", "ird|ird number", 0),
    ("pe-dni", "NATIONAL_ID", "Peru: CUI", "pe.cui", r"\b[0-9]{8}-?[0-9A-Z]\b", "dni|cui", 0),
    ("pk-cnic", "NATIONAL_ID", "Pakistan: CNIC", "pk.cnic", r"\b[0-9]{5}-[0-9]{7}-[0-9]\b|\b[0-9]{13}\b", "cnic|nadra", 0),
    ("pl-pesel", "NATIONAL_ID", "Poland: PESEL", "pl.pesel", r"\b[0-9]{11}\b", "pesel", 0),
    ("pt-nif", "TAX_ID", "Portugal: NIF", "pt.nif", r"\b[1-9][0-9]{2} ?[0-9]{3} ?[0-9]{3}\b", "nif|contribuinte|número de contribuinte", 0),
    ("ro-cnp", "NATIONAL_ID", "Romania: CNP", "ro.cnp", r"\b[1-9][0-9]{12}\b", "cnp|cod numeric personal", 0),
    ("se-personnummer", "NATIONAL_ID", "Sweden: personnummer", "se.personnummer", r"\b(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}\b", "personnummer|personnr|pnr", 0),
    ("si-emso", "NATIONAL_ID", "Slovenia: EMŠO", "si.emso", r"\b[0-9]{13}\b", "emšo|emso|jmbg", 0),
    ("sk-rc", "NATIONAL_ID", "Slovakia: rodné číslo", "sk.rc", r"\b[0-9]{6}/?[0-9]{3,4}\b", "rodné číslo|rodne cislo", 0),
    ("th-pin", "NATIONAL_ID", "Thailand: identity number", "th.pin", r"\b[1-8]-?[0-9]{4}-?[0-9]{5}-?[0-9]{2}-?[0-9]\b", "เลขประจำตัวประชาชน|บัตรประชาชน|thai id", 0),
    ("tr-tckimlik", "NATIONAL_ID", "Turkey: T.C. Kimlik", "tr.tckimlik", r"\b[1-9][0-9]{10}\b", "tc kimlik|t.c. kimlik|kimlik no|kimlik numarası|tckn", 0),
    ("ua-rntrc", "TAX_ID", "Ukraine: RNTRC", "ua.rntrc", r"\b[0-9]{10}\b", "рнокпп|іпн|rntrc", 0),
    ("gb-utr", "TAX_ID", "United Kingdom: UTR", "gb.utr", r"\b[0-9]{10}\b", "utr|unique taxpayer reference", 0),
    ("us-itin", "TAX_ID", "United States: ITIN", "us.itin", r"\b9[0-9]{2}-?[0-9]{2}-?[0-9]{4}\b", "itin|taxpayer", 0),
    ("us-ein", "TAX_ID", "United States: EIN", "us.ein", r"\b[0-9]{2}-[0-9]{7}\b", "ein|employer identification", 0),
    ("ve-rif", "TAX_ID", "Venezuela: RIF", "ve.rif", r"\b[VEJPG]-?[0-9]{8}-?[0-9]\b", "rif", 0),
    ("za-idnr", "NATIONAL_ID", "South Africa: identity number", "za.idnr", r"\b[0-9]{13}\b", "sa id|south african id|id number|identity number|rsa id", 0),
)  # fmt: skip

_SSN_WORDS = ("ssn", "social security", "social security number", "soc sec", "social")

NATIONAL_IDS = (
    Recogniser(
        rule="us-ssn",
        kind="SSN",
        title="US social security number",
        pattern=r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
        alone=0.7,
        near=0.95,
        severity=Severity.HIGH,
        labels=_SSN_WORDS,
        accept=whole(is_ssn),
    ),
    Recogniser(
        rule="us-ssn-labelled",
        kind="SSN",
        title="US social security number, without hyphens",
        pattern=r"\b[0-9]{3} ?[0-9]{2} ?[0-9]{4}\b",
        near=0.85,
        severity=Severity.HIGH,
        labels=_SSN_WORDS,
        accept=whole(is_ssn),
    ),
    Recogniser(
        rule="gb-nino",
        kind="NATIONAL_ID",
        title="United Kingdom: National Insurance number",
        pattern=r"\b[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
        alone=0.6,
        near=0.9,
        severity=Severity.HIGH,
        labels=("nino", "national insurance", "national insurance number", "ni number"),
        accept=whole(lambda value: value[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")),
    ),
    *(
        Recogniser(
            rule=rule,
            kind=kind,
            title=title,
            pattern=shape,
            alone=alone,
            near=0.9,
            severity=Severity.HIGH,
            labels=tuple(words.split("|")),
            accept=whole(stdnum(module)),
        )
        for rule, kind, title, module, shape, words, alone in _TABLE
    ),
)
