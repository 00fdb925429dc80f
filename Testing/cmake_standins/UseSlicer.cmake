# Stand-in for what include(${Slicer_USE_FILE}) gives an extension.
if(NOT DEFINED EXTENSION_NAME)
  set(EXTENSION_NAME ${PROJECT_NAME})
endif()
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")

include(CTest)
include(${CMAKE_CURRENT_LIST_DIR}/CompilePythonScript.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/BuildScriptedModule.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/PythonTesting.cmake)
