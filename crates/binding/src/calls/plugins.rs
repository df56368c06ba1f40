//! Loading a plug-in.

use task::host::{Library, LoadError};

use crate::calls::call::{Answer, Call};
use crate::js::{self, Fault};
use crate::native::plugins;
use crate::process::parent;

/// `loadPlugin(path)`: an array of the number of the library's first task, which is its own, and the tasks'
/// names.
pub(crate) fn load(call: &Call<'_>) -> Answer {
    let path = js::get_text(call.env, call.value(0)?)?;
    if parent::get().is_some_and(|parent| !parent.hello.may_load_native) {
        let message = "a child of a pool with permission loads no plug-ins".to_owned();
        return Err(Fault::Throw { code: "ERR_ACCESS_DENIED", message });
    }
    // SAFETY: the user names the library, and with it promises what docs/plugins.md asks of one.
    let library = unsafe { Library::load(&path) }.map_err(|error| refusal(&error))?;
    let first = plugins::number_of(library, &path);
    let list = js::array(call.env)?;
    js::set_element(call.env, list, 0, js::double(call.env, f64::from(first))?)?;
    for (index, task) in library.tasks().enumerate() {
        js::set_element(call.env, list, index as u32 + 1, js::string(call.env, task.name())?)?;
    }
    Ok(list)
}

fn refusal(error: &LoadError) -> Fault {
    let code = match error {
        LoadError::Missing { .. } => "ERR_PLUGIN_NOT_FOUND",
        LoadError::NotALibrary { .. } => "ERR_PLUGIN_NOT_LOADABLE",
        LoadError::Foreign { .. } => "ERR_PLUGIN_FOREIGN",
        LoadError::Incompatible { .. } => "ERR_PLUGIN_INCOMPATIBLE",
        LoadError::Malformed { .. } => "ERR_PLUGIN_MALFORMED",
    };
    Fault::Throw { code, message: error.to_string() }
}
