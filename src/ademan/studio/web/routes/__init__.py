"""All routes of the studio: one file a section, each with a `router` of one of the kinds in guard.py."""

from ademan.studio.web.routes import (
    accounts,
    clips,
    figures,
    health,
    jobs,
    members,
    models,
    pages,
    record,
    review,
    sets,
    try_,
    watch,
)

ROUTERS = (
    health.router,
    pages.router,
    pages.members,
    accounts.router,
    accounts.members,
    members.router,
    try_.router,
    watch.router,
    record.router,
    sets.router,
    clips.router,
    review.router,
    figures.router,
    models.router,
    models.admins,
    jobs.router,
    jobs.admins,
)
