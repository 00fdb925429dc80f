# Stand-in for CTK's macro: copies scripts and resources to the build tree, byte-compiles, installs the whole folder.

# One copy rule; sets TARGET in the caller's scope. Absolute paths and ".." would land outside the modules folder, and
# two rules for one file would race.
function(_add_python_copy source_dir file destination_dir target_variable)
  if(IS_ABSOLUTE "${file}" OR "${file}" MATCHES "(^|/)\\.\\.(/|$)")
    message(FATAL_ERROR "${file} would be copied outside the modules folder: list it relative to SOURCE_DIR")
  endif()
  set(source "${source_dir}/${file}")
  set(target "${destination_dir}/${file}")
  if(NOT EXISTS "${source}" OR IS_DIRECTORY "${source}")
    message(FATAL_ERROR "${source} is listed and does not exist")
  endif()
  get_property(known GLOBAL PROPERTY _COPIED_PYTHON_FILES)
  if("${target}" IN_LIST known)
    message(FATAL_ERROR "two files are copied to ${target}")
  endif()
  set_property(GLOBAL APPEND PROPERTY _COPIED_PYTHON_FILES "${target}")
  add_custom_command(
    OUTPUT "${target}"
    COMMAND ${CMAKE_COMMAND} -E copy "${source}" "${target}"
    DEPENDS "${source}"
    )
  set(${target_variable} "${target}" PARENT_SCOPE)
endfunction()

macro(ctkMacroCompilePythonScript)
  _compile_python_script(${ARGN})
endmacro()

function(_compile_python_script)
  cmake_parse_arguments(MY
    "NO_INSTALL_SUBDIR;GLOBAL_TARGET"
    "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR"
    "SCRIPTS;RESOURCES"
    ${ARGN}
    )
  foreach(name TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
    if(NOT MY_${name})
      message(FATAL_ERROR "ctkMacroCompilePythonScript: ${name} is mandatory")
    endif()
  endforeach()
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ctkMacroCompilePythonScript: unknown arguments ${MY_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT MY_SOURCE_DIR)
    set(MY_SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()

  set(scripts)
  foreach(file IN LISTS MY_SCRIPTS)
    get_filename_component(extension "${file}" EXT)
    if(NOT extension MATCHES "py")
      set(file "${file}.py")
    endif()
    _add_python_copy("${MY_SOURCE_DIR}" "${file}" "${MY_DESTINATION_DIR}" copy)
    list(APPEND scripts "${copy}")
  endforeach()
  set(resources)
  foreach(file IN LISTS MY_RESOURCES)
    _add_python_copy("${MY_SOURCE_DIR}" "${file}" "${MY_DESTINATION_DIR}" copy)
    list(APPEND resources "${copy}")
  endforeach()

  set(compiled "${CMAKE_CURRENT_BINARY_DIR}/${MY_TARGET_NAME}_compiled")
  add_custom_command(
    OUTPUT "${compiled}"
    COMMAND ${PYTHON_EXECUTABLE} -m py_compile ${scripts}
    COMMAND ${CMAKE_COMMAND} -E touch "${compiled}"
    DEPENDS ${scripts}
    )
  add_custom_target(${MY_TARGET_NAME}Python ALL DEPENDS ${scripts} ${resources} "${compiled}")

  set(folder "${MY_DESTINATION_DIR}")
  if(MY_NO_INSTALL_SUBDIR)
    set(folder "${MY_DESTINATION_DIR}/")
  endif()
  install(DIRECTORY "${folder}" DESTINATION "${MY_INSTALL_DIR}" COMPONENT RuntimeLibraries USE_SOURCE_PERMISSIONS)
endfunction()
