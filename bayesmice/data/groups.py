"""Groups of rows: how what belongs to one of them is called."""

from dataclasses import replace

from bayesmice.events import Event


def in_group(name: str, label: str) -> str:
    """Name a column or a target of a group of rows.

    Parameters
    ----------
    name : str
        The column or target.
    label : str
        The group; empty for all rows.

    Returns
    -------
    str

    Examples
    --------
    >>> in_group("chl", "sex=male"), in_group("chl", "")
    ('chl[sex=male]', 'chl')
    """
    return f"{name}[{label}]" if label else name


def event_in_group(event: Event, label: str) -> Event:
    """Say in which group of rows something happened; nothing changes where there are none."""
    if not label:
        return event
    variable = in_group(event.variable, label) if event.variable else ""
    return replace(event, variable=variable, message=f"Rows with {label}: {event.message}")
