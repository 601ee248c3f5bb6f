// SevenNet's pair style e3gnn, from the source in its wheel, as a plugin that LAMMPS loads.
#include "pair_e3gnn.cpp"

// Kernels of OpenEquivariance, which the models here do without.
void pair_e3gnn_oeq_register_autograd() {}

// The structure that LAMMPS' command "plugin load" asks for (LAMMPS documentation, "Writing plugins").
struct Plugin {
  const char *version, *style, *name, *info, *author;
  union {
    void *(*make)(LAMMPS_NS::LAMMPS *);
    void *other;
  } creator;
  void *handle;
};

static void *make(LAMMPS_NS::LAMMPS *lammps) { return new LAMMPS_NS::PairE3GNN(lammps); }

extern "C" void lammpsplugin_init(void *lammps, void *handle, void *enter) {
  Plugin plugin;
  plugin.version = "any";
  plugin.style = "pair";
  plugin.name = "e3gnn";
  plugin.info = "SevenNet";
  plugin.author = "SevenNet";
  plugin.creator.make = &make;
  plugin.handle = handle;
  reinterpret_cast<void (*)(Plugin *, void *)>(enter)(&plugin, lammps);
}
