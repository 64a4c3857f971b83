"""The queue before a model: while it works on a batch, others gather for the next."""

from itertools import count


class BatchQueue:
    """Texts that wait, the oldest first, each known by a ticket.

    It takes up to `most_texts` of `most_characters` together; a batch has up to `batch_texts` and `batch_characters`.
    """

    def __init__(self, *, most_texts: int, most_characters: int, batch_texts: int, batch_characters: int) -> None:
        self._most_texts = most_texts
        self._most_characters = most_characters
        self._batch_texts = batch_texts
        self._batch_characters = batch_characters
        self._tickets = count(1)
        self._texts: dict[int, str] = {}
        self._characters = 0

    def __len__(self) -> int:
        """How many texts wait."""
        return len(self._texts)

    def put(self, text: str) -> int | None:
        """Its ticket; None where there is no room. An empty queue has room for any text."""
        full = len(self) >= self._most_texts or self._characters + len(text) > self._most_characters
        if full and self._texts:
            return None
        ticket = next(self._tickets)
        self._texts[ticket] = text
        self._characters += len(text)
        return ticket

    def discard(self, ticket: int) -> bool:
        """Forget a text; whether it still waited."""
        text = self._texts.pop(ticket, None)
        self._characters -= len(text or "")
        return text is not None

    def take(self) -> dict[int, str]:
        """The next batch, texts by their tickets: empty where nothing waits. What is too long for one goes alone."""
        batch: dict[int, str] = {}
        characters = 0
        for ticket, text in self._texts.items():
            characters += len(text)
            if batch and (len(batch) >= self._batch_texts or characters > self._batch_characters):
                break
            batch[ticket] = text
        for ticket in batch:
            self.discard(ticket)
        return batch
