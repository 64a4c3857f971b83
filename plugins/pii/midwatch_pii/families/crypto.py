"""Addresses of wallets."""

from midwatch_pii.checksums import is_base58_address, is_bech32_address
from midwatch_pii.recogniser import Recogniser, whole

CRYPTO = (
    Recogniser(
        rule="wallet-base58",
        kind="CRYPTO_WALLET",
        title="Wallet address (Base58Check)",
        pattern=r"\b[13LMDTX][1-9A-HJ-NP-Za-km-z]{25,34}\b",
        alone=0.95,
        near=0.95,
        accept=whole(is_base58_address),
    ),
    Recogniser(
        rule="wallet-bech32",
        kind="CRYPTO_WALLET",
        title="Wallet address (Bech32)",
        pattern=r"(?i)\b(?:bc1|tb1|ltc1)[02-9ac-hj-np-z]{11,71}\b",
        alone=0.95,
        near=0.95,
        accept=whole(is_bech32_address),
    ),
    Recogniser(
        rule="wallet-ethereum",
        kind="CRYPTO_WALLET",
        title="Ethereum address, after a word for it",
        pattern=r"\b0x[0-9a-fA-F]{40}\b",
        near=0.85,
        labels=("ethereum", "eth", "wallet", "wallet address", "erc20", "metamask", "usdt", "usdc", "eth address"),
    ),
)
