# Stand-in for Slicer's packaging: the installed tree as one archive.
set(CPACK_GENERATOR "TGZ")
set(CPACK_PACKAGE_NAME "${EXTENSION_NAME}")
include(CPack)
