"""`modelfleet store`: what is done with the store as a whole, one verb a module."""

from modelfleet.verbs import Verbs

command = Verbs("store", package="modelfleet.commands.store", help="Keep the store of saved models.")
