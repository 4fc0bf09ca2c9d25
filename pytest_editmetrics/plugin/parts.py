"""What is registered in a session that runs tests: nothing of it is imported to list them."""

from __future__ import annotations

from pytest_editmetrics.plugin import outcomes
from pytest_editmetrics.plugin.controller import Controller
from pytest_editmetrics.plugin.deliveries import Deliveries
from pytest_editmetrics.plugin.found_tests import FoundTests
from pytest_editmetrics.plugin.last_lines import LastLines
from pytest_editmetrics.plugin.last_word import last_key
from pytest_editmetrics.plugin.progress import Progress
from pytest_editmetrics.plugin.whole_run import Found
from pytest_editmetrics.session.state import EditSession


def register_parts(session: EditSession) -> None:
    """Register what measures and judges, and in the main process what sums up."""
    config = session.config
    register = config.pluginmanager.register
    register(outcomes, "editmetrics-outcomes")
    register(outcomes.ErrorsStay(), "editmetrics-errors")
    if session.options["profile"]:
        from pytest_editmetrics.plugin.profile import register_profile

        register_profile(session)
    register(Deliveries(session), "editmetrics-deliveries")
    if any(map(config.pluginmanager.hasplugin, ("html", "allure_pytest"))):
        from pytest_editmetrics.plugin.attachments import Attachments

        register(Attachments(session), "editmetrics-attachments")
    if hasattr(config, "workerinput"):
        from pytest_editmetrics.plugin import xdist

        register(xdist.found_tests(session), "editmetrics-found-tests")
        register(xdist.worker(config), "editmetrics-found")
        register(xdist.XdistWorker(session), "editmetrics-xdist")
        return
    register(Progress(session), "editmetrics-progress")
    last = config.stash[last_key] = LastLines(config)
    controller = Controller(session, last)
    whole = controller.whole
    register(controller, "editmetrics-controller")
    register(last, "editmetrics-last-lines")
    register(whole, "editmetrics-whole-run")
    register(controller.failed, "editmetrics-failed-tests")
    register(Found(whole.deselected, whole.left_out), "editmetrics-found")
    register(FoundTests(session, controller.found.take), "editmetrics-found-tests")
    if hasattr(config.hook, "pytest_xdist_node_collection_finished"):
        from pytest_editmetrics.plugin.xdist import XdistController

        register(XdistController(controller), "editmetrics-xdist")
