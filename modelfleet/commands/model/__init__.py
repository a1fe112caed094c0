"""`modelfleet model`: what is done with saved models, one verb a module."""

from modelfleet.verbs import Verbs

command = Verbs("model", package="modelfleet.commands.model", help="Save, find, compare and export models.")
