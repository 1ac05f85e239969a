//! Parts of pages. Each draws one thing from the models, has an accessible name, role and value, and knows neither the session
//! nor a page.

pub mod badge;
pub mod chart;
pub mod copy_meter;
pub mod core_lines;
pub mod depth_plot;
pub mod describe;
pub mod empty_state;
pub mod heat_strip;
pub mod hold;
pub mod lanes;
pub mod overview;
pub mod plot_frame;
pub mod progress_bar;
pub mod quantity;
pub mod steering;
pub mod table;
pub mod time_axis;
pub mod time_window;

pub use badge::{count_badge_ui, outcome_badge_ui, progress_badge_ui, retried_badge_ui, running_badge_ui};
pub use copy_meter::copy_meter_ui;
pub use core_lines::{core_average_ui, core_legend_ui, core_lines_ui};
pub use depth_plot::depth_plot_ui;
pub use describe::{announce, describe, describe_fold};
pub use empty_state::empty_state_ui;
pub use heat_strip::{HeatStripState, heat_legend_ui, heat_strip_ui};
pub use hold::hold_words;
pub use lanes::{LanesAction, LanesData, LanesState, TaskInfo, TaskOrder, lanes_ui};
pub use overview::overview_ui;
pub use plot_frame::TimeColumns;
pub use progress_bar::progress_bar_ui;
pub use steering::{priority_number, steering_ui, waiting_badge_ui};
pub use time_window::TimeWindow;
