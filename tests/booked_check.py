"""An independent checker of booked rides: it reads what vehicles do, and shares no code with it."""


def wrong_day(day, drive, *, dwell_s, seats, longest, windows):  # noqa: C901 - reads as one list
    """Return what is wrong with a simulated day, nothing where it holds.

    ``longest`` and ``windows`` give, of a request, its longest ride and its window at the gate.
    """
    wrong = []
    carried = [0] * len(day.requests)
    for number, tour in enumerate(day.tours):
        aboard, before, metres = {}, None, 0.0
        for call in tour.calls:
            request = day.requests[call.request]
            if before is not None:
                least = 0
                if before.place != call.place:
                    least = dwell_s + int(drive.seconds[before.place, call.place])
                    metres += float(drive.metres[before.place, call.place])
                if call.time_s < before.time_s + least:
                    wrong.append(f"tour {number} drives faster than it can")
            before = call
            at_gate = call.on != request.inbound
            if call.place != (request.gate if at_gate else request.place):
                wrong.append(f"request {call.request} is at the wrong place")
            first, last = windows(request)
            if at_gate and not first <= call.time_s <= last:
                wrong.append(f"request {call.request} is not at the gate in time")
            if call.on:
                aboard.setdefault(call.request, []).append((call.riders, call.time_s))
            else:
                got_on = aboard.get(call.request, [])
                found = next((x for x in got_on if x[0] == call.riders), None)
                if found is None:
                    wrong.append(f"request {call.request} gets off before it gets on")
                    continue
                got_on.remove(found)
                carried[call.request] += call.riders
                if call.time_s - found[1] > longest(request):
                    wrong.append(f"request {call.request} rides too long")
            if sum(n for riders in aboard.values() for n, _ in riders) > seats:
                wrong.append(f"tour {number} is overfull")
        if any(aboard.values()):
            wrong.append(f"tour {number} ends with riders aboard")
        if abs(metres - tour.metres) > 1e-6:
            wrong.append(f"tour {number} drives {metres} m, not {tour.metres}")
    if carried != [r.riders for r in day.requests]:
        wrong.append("not every rider is carried once")
    return wrong
