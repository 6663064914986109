"""Try: a gesture before the camera, and what the live model takes it for."""

from fastapi import Request, Response

from ademan.studio.data.gestures import SetInfo
from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/try")
def try_out(request: Request, studio: Here) -> Response:
    """Show the page, for the set that is asked for, or else the first one with a live model."""
    sets = studio.sets.all()
    live = studio.models.live_of([one.id for one in sets])
    ordered = sorted(sets, key=lambda one: live.get(one.id) is None)
    chosen = _chosen(ordered, request.query_params.get("set", ""))
    return studio.pages.show(request, "try", sets=ordered, live=live, chosen=chosen)


def _chosen(sets: list[SetInfo], wanted: str) -> SetInfo | None:
    return next((one for one in sets if str(one.id) == wanted), sets[0] if sets else None)
