"""Caches of other libraries: diffusers' FirstBlockCache, MagCache and TaylorSeer, and cache-dit's DBCache."""
