# Stand-in for a built Slicer 5.12: enough of it to configure, build, test-list and install a scripted extension.
#
# It keeps the contracts of the real macros (what they copy, compile and install, and where to), and stops with an
# error where the real ones would quietly put a file in the wrong place.
set(Slicer_VERSION "5.12")
set(Slicer_USE_PYTHONQT ON)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-${Slicer_VERSION}/qt-scripted-modules")
set(Slicer_LAUNCHER_EXECUTABLE "Slicer")
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateExtensionConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionCPack.cmake")
