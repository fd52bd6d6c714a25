"""JAX's settings: double precision, and a compilation cache that outlives the process."""

import jax
import platformdirs


def configure_jax() -> None:
    """Use float64, and keep compiled programs in a per-user folder.

    A cache folder that the user chose (``JAX_COMPILATION_CACHE_DIR`` or ``jax.config``) is
    respected, and ``JAX_ENABLE_COMPILATION_CACHE=false`` turns the cache off.
    """
    jax.config.update("jax_enable_x64", True)
    if jax.config.jax_compilation_cache_dir is None:
        folder = platformdirs.user_cache_path("bayesmice", appauthor=False) / "jax"
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
