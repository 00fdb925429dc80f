# Stand-in for slicer_add_python_unittest: registers the test under its real name; nothing here can run it.
macro(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT}")
    message(FATAL_ERROR "slicer_add_python_unittest: ${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT} does not exist")
  endif()
  get_filename_component(_test_name "${MY_SCRIPT}" NAME_WE)
  add_test(
    NAME py_${MY_TESTNAME_PREFIX}${_test_name}
    COMMAND ${Slicer_LAUNCHER_EXECUTABLE} ${MY_SLICER_ARGS} ${_test_name}
    )
endmacro()
