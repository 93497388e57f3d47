package hwa

import "encoding/json"

// EngineInfo describes the engine: version, capabilities, licence.
type EngineInfo struct {
	DisplayVersion string                    `json:"displayVersion,omitempty"`
	FullVersion    string                    `json:"fullVersion,omitempty"`
	Capabilities   map[string]map[string]any `json:"capabilities,omitempty"`
	AdminRoles     AdminRoles                `json:"adminRoles,omitzero"`
	ReferenceID    string                    `json:"referenceId,omitempty"`
	LicenseType    LicenseType               `json:"licenseType,omitempty"`
	Locale         string                    `json:"locale,omitempty"`
	Timezone       string                    `json:"timezone,omitempty"`
}

// AdminRoles lists the administrative roles of the calling user.
type AdminRoles struct {
	Admin []RolePrivilege `json:"admin,omitempty"`
}

// RolePrivilege is one administrative role.
type RolePrivilege struct {
	Key         string `json:"key,omitempty"`
	Label       string `json:"label,omitempty"`
	Description string `json:"description,omitempty"`
}

// ObjectInfo is the engine's own description of one kind of plan object: its actions and statuses.
type ObjectInfo struct {
	Actions         []ActionMetadata     `json:"actions,omitempty"`
	Status          []ObjectInfoMetadata `json:"status,omitempty"`
	Substatus       []ObjectInfoMetadata `json:"substatus,omitempty"`
	CommonStatus    []ObjectInfoMetadata `json:"commonStatus,omitempty"`
	ActiveStates    []ObjectInfoMetadata `json:"activeStates,omitempty"`
	ActiveFlags     []ObjectInfoMetadata `json:"activeFlags,omitempty"`
	WorkstationType []ObjectInfoMetadata `json:"workstationType,omitempty"`
	ExpectedStatus  []ObjectInfoMetadata `json:"expectedStatus,omitempty"`
}

// ObjectInfoMetadata is a value with its label.
type ObjectInfoMetadata struct {
	Key   string `json:"key,omitempty"`
	Label string `json:"label,omitempty"`
}

// ActionMetadata describes one action: method, address and parameters.
type ActionMetadata struct {
	Key                       string           `json:"key,omitempty"`
	Label                     string           `json:"label,omitempty"`
	PayloadTemplate           json.RawMessage  `json:"payloadTemplate,omitempty"`
	HTTPMethod                HTTPMethod       `json:"httpMethod,omitempty"`
	ParametricURL             string           `json:"parametricUrl,omitempty"`
	QueryParameters           json.RawMessage  `json:"queryParameters,omitempty"`
	SubActions                []ActionMetadata `json:"subActions,omitempty"`
	ParametricQueryParameters json.RawMessage  `json:"parametricQueryParameters,omitempty"`
}

// ConfigValue is one setting of the engine.
type ConfigValue struct {
	Value       string `json:"value,omitempty"`
	Description string `json:"description,omitempty"`
}

// ConsumedJobs are the licence counters of one day or month.
type ConsumedJobs struct {
	Date           string    `json:"date,omitempty"`
	DailyJobs      Count     `json:"dailyJobs,omitzero"`
	MonthlyJobs    Count     `json:"monthlyJobs,omitzero"`
	CumulativeJobs Count     `json:"cumulativeJobs,omitzero"`
	JobsToSend     int64     `json:"jobsToSend,omitempty"`
	Integrity      Integrity `json:"integrity,omitempty"`
}

// Count counts completed job runs.
type Count struct {
	Total      int64 `json:"total"`
	Successful int64 `json:"successful"`
	Unique     int64 `json:"unique"`
}

// ObjectFolderCount counts the objects in one folder by status.
type ObjectFolderCount struct {
	Folder       string         `json:"folder,omitempty"`
	FolderID     string         `json:"folderId,omitempty"`
	TotalCount   int            `json:"totalCount"`
	CommonStatus map[string]int `json:"commonStatus,omitempty"`
	ActiveStates map[string]int `json:"activeStates,omitempty"`
}

// GroupedCountResponse is the reply of a count: the total and the counts per group.
type GroupedCountResponse struct {
	Count        int64            `json:"count"`
	GroupedCount map[string]int64 `json:"groupedCount,omitempty"`
}

// Issue is one reason the engine gives why a job does not start.
type Issue struct {
	ID           string `json:"id,omitempty"`
	IssueMessage string `json:"issueMessage"`
	IssueType    string `json:"issueType,omitempty"`
}
