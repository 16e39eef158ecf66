"""The ASGI application: the guard around Streamlit and the plain routes.

``uvicorn ui.app:app --no-server-header`` serves it; ``retorno demo`` and ``retorno serve`` do so.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from retorno import keyring, serving
from retorno.database import Database
from retorno.settings import load_settings
from ui import consulate_print, guard, light, post, session, shell

settings = load_settings()
database = Database(settings.database)
database.create()
keyring.open_keys(settings, database)
guard.check_options()
session.configure(database)
serving.collect_seldom()

plain = light.Light(database=database, settings=settings)
routes = [
    *plain.routes(),
    *post.Posts(plain).routes(),
    *consulate_print.ConsulatePrint(plain).routes(),
    *shell.Desk(plain).routes(),
]

app = st.App(
    Path(__file__).resolve().parent / "main.py",
    routes=routes,
    middleware=[
        Middleware(guard.Guard, database=database, settings=settings),
        Middleware(GZipMiddleware, minimum_size=1000),
        Middleware(shell.Shell, database=database, light=plain, plain_paths=[route.path for route in routes]),
    ],
)
