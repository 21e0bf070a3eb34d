"""A request explained, as lines for a person. Every text is cleaned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from helpdesk.actions.why_request import Could, RequestWhy
from helpdesk.surfaces.look import Look, clean
from helpdesk.surfaces.telling import change_line
from helpdesk.text import local_time


def request_lines(why: RequestWhy, look: Look) -> list[str]:
    return list(_lines(why, look))


def _lines(why: RequestWhy, look: Look) -> Iterator[str]:
    request = why.request
    yield f"{look.paint(clean(request.id), 'bold')} {clean(request.call.action)}: {request.state.value}"
    yield f"  asked by    {clean(request.call.requester_login)}, {local_time(request.created)}"
    for change in request.changes:
        yield f"  changes     {change_line(change)}"
    yield f"  {clean(why.waits)}"
    if why.drift:
        yield f"  moved       {clean(why.drift)}"
    for need in why.needs:
        yield ""
        title = f"A yes of {clean(need.of)}" if need.of else "A yes of one of them"
        yield f"{title}: {'given' if need.met else 'open'}"
        yield from (f"  {_person(person, look)}" for person in need.people)
    if why.run is not None:
        yield ""
        note = clean(str(why.run.get("note") or ""))
        worker = clean(str(why.run.get("worker") or "no worker yet"))
        yield f"The run is {clean(str(why.run.get('state', '')))} ({worker}){f': {note}' if note else ''}"
    yield ""
    if why.escalates is not None:
        at, to, passed = why.escalates
        yield f"  escalates   {local_time(at)} to {clean(to)}{' (that has passed)' if passed else ''}"
    yield f"  expires     {local_time(request.expires)}"
    if why.unblock:
        yield ""
        yield "What would move it:"
        yield from (f"  {clean(sentence)}" for sentence in why.unblock)


def _person(person: Could, look: Look) -> str:
    name = f"{clean(person.name)} ({clean(person.login)})" if person.login else clean(person.name)
    instead = f"; {', '.join(map(clean, person.instead))} may stand in" if person.instead else ""
    if person.said:
        said = local_time(datetime.fromisoformat(person.said))
        return f"{look.paint('✓', 'green')} {name} said yes, {said}"
    if person.may:
        return f"{look.paint('…', 'yellow')} {name} can say yes now{instead}"
    because = f": {clean(person.because)}" if person.because else ""
    return f"{look.paint('·', 'dim')} {name} need not, or may not{because}{instead}"
