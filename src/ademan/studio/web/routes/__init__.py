"""All routes of the studio: one file a section, each with a `router` of one of the kinds in guard.py."""

from ademan.studio.web.routes import (
    accounts,
    clips,
    figures,
    jobs,
    members,
    models,
    pages,
    record,
    review,
    try_,
)

ROUTERS = (
    pages.router,
    pages.members,
    accounts.router,
    accounts.members,
    members.router,
    try_.router,
    record.router,
    clips.router,
    review.router,
    figures.router,
    models.router,
    jobs.router,
)
