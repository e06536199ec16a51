/*
 * tree: removes a directory that a tenant filled, with our rights. Never follows a symbolic link,
 * never leaves the file system it began on, needs a bounded number of descriptors however deep
 * the tenant nested (what lies too deep is moved up first).
 */
#ifndef LM_KEEPER_TREE_H
#define LM_KEEPER_TREE_H

/* path: its parent is trusted. 0 also when there is nothing; -errno; -EXDEV at a mount. */
int tree_remove(const char *path);

#endif
