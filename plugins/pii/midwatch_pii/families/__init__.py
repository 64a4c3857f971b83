"""Tables of recognisers, one file a family."""

from midwatch_pii.families.address import ADDRESS
from midwatch_pii.families.contact import CONTACT
from midwatch_pii.families.crypto import CRYPTO
from midwatch_pii.families.documents import DOCUMENTS
from midwatch_pii.families.health import HEALTH
from midwatch_pii.families.national_ids import NATIONAL_IDS
from midwatch_pii.families.network import NETWORK
from midwatch_pii.families.payment import PAYMENT
from midwatch_pii.families.person import PERSON

ALL = (*CONTACT, *PAYMENT, *NATIONAL_IDS, *DOCUMENTS, *HEALTH, *CRYPTO, *NETWORK, *ADDRESS, *PERSON)

__all__ = ["ALL"]
