"""What NequIP loads with itself, by the entry point ``nequip.extension``: the fields of a batch that carry choices.

NequIP is imported half way when it asks for this module, so that no more of it than the registry of fields may be used here. Its
model builder and modifiers, `sbs.nn.host.nequip`, are imported where a configuration names them.
"""

from sbs.errors import MissingDependencyError
from sbs.nn.choice import FIELDS

try:
    from nequip.data import register_fields
except ImportError as error:
    raise MissingDependencyError(
        f"sbs.nn.host.nequip needs NequIP 0.19, which could not be imported ({error}); install it with: pip install nequip"
    ) from error

# NequIP batches and filters data by registered names.
register_fields(
    graph_fields=[name for name in FIELDS if name != "sbs_site"],
    node_fields=["sbs_site"],
    long_fields=["sbs_object", "sbs_set", "sbs_site"],
)
