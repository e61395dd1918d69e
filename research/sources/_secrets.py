"""Keys and passwords, and how they stay out of what we say."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

HIDDEN = "***"


def is_sendable(key: str) -> bool:
    """Say whether a header can hold a key."""
    return key.isascii() and key.isprintable() and " " not in key


class Secrets:
    """What must not be told."""

    def __init__(self, *secrets: str | None) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def are_in(self, text: str) -> bool:
        """Say whether a text tells one of them."""
        return any(form in text for form in self._forms)

    def scrub(self, text: str) -> str:
        """Return a text without them."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def forget(self, error: BaseException | None) -> None:
        """Take them out of an error and of those it was raised from."""
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            if self.are_in(f"{error} {error.args!r}"):
                error.args = (self.scrub(str(error)),)
            error = error.__cause__ or error.__context__


def _forms(secret: str) -> set[str]:
    """Return a secret as it may be written in an address or a text of Python's."""
    return {secret, quote(secret), quote(secret, ""), quote_plus(secret), repr(secret)[1:-1]}
