package hwa

// WorkstationType is the kind of a workstation.
type WorkstationType string

// Values of WorkstationType.
const (
	WorkstationTypeAgent          WorkstationType = "AGENT"
	WorkstationTypePool           WorkstationType = "POOL"
	WorkstationTypeDPool          WorkstationType = "D-POOL"
	WorkstationTypeRemEng         WorkstationType = "REM-ENG"
	WorkstationTypeManager        WorkstationType = "MANAGER"
	WorkstationTypeFTA            WorkstationType = "FTA"
	WorkstationTypeXAgent         WorkstationType = "X-AGENT"
	WorkstationTypeSAgent         WorkstationType = "S-AGENT"
	WorkstationTypeWorkloadBroker WorkstationType = "WORKLOAD_BROKER"
	WorkstationTypeDomainManager  WorkstationType = "DOMAIN_MANAGER"
)

// WorkstationState is one of the states a workstation is in; several hold at once.
type WorkstationState string

// Values of WorkstationState.
const (
	WorkstationStateMaster              WorkstationState = "MASTER"
	WorkstationStateManager             WorkstationState = "MANAGER"
	WorkstationStateLinked              WorkstationState = "LINKED"
	WorkstationStateFullyLinked         WorkstationState = "FULLY_LINKED"
	WorkstationStateDirectlyLinked      WorkstationState = "DIRECTLY_LINKED"
	WorkstationStateHostLinked          WorkstationState = "HOST_LINKED"
	WorkstationStateExtendedLinked      WorkstationState = "EXTENDED_LINKED"
	WorkstationStateBroker              WorkstationState = "BROKER"
	WorkstationStateStart               WorkstationState = "START"
	WorkstationStateRunning             WorkstationState = "RUNNING"
	WorkstationStateTCPIPLinked         WorkstationState = "TCP_IP_LINKED"
	WorkstationStateMonman              WorkstationState = "MONMAN"
	WorkstationStateInstalledAndRunning WorkstationState = "INSTALLED_AND_RUNNING"
	WorkstationStateInstalled           WorkstationState = "INSTALLED"
	WorkstationStateUpdate              WorkstationState = "UPDATE"
	WorkstationStateServerStarted       WorkstationState = "SERVER_STARTED"
	WorkstationStateServerRestarting    WorkstationState = "SERVER_RESTARTING"
	WorkstationStateOnline              WorkstationState = "ONLINE"
	WorkstationStateWriterRunning       WorkstationState = "WRITER_RUNNING"
	WorkstationStateJobmanUp            WorkstationState = "JOBMAN_UP"
	WorkstationStateWriterUp            WorkstationState = "WRITER_UP"
	WorkstationStateEvtProcRunning      WorkstationState = "EVT_PROC_RUNNING"
	WorkstationStateSsmRunning          WorkstationState = "SSM_RUNNING"
	WorkstationStateConfigUpdated       WorkstationState = "CONFIG_UPDATED"
	WorkstationStateBehindFirewall      WorkstationState = "BEHIND_FIREWALL"
	WorkstationStateIsInited            WorkstationState = "IS_INITED"
)

// WorkstationFlag is one of the definition flags of a workstation in the plan.
type WorkstationFlag string

// Values of WorkstationFlag.
const (
	WorkstationFlagAutoLink                         WorkstationFlag = "AUTO_LINK"
	WorkstationFlagDisabledDeactiveJobLaunchingFlag WorkstationFlag = "DISABLED_DEACTIVE_JOB_LAUNCHING_FLAG"
	WorkstationFlagFullStatus                       WorkstationFlag = "FULL_STATUS"
	WorkstationFlagMailman                          WorkstationFlag = "MAILMAN"
	WorkstationFlagBehindFirewall                   WorkstationFlag = "BEHIND_FIREWALL"
	WorkstationFlagTCPIPLink                        WorkstationFlag = "TCP_IP_LINK"
)

// HostWorkstationType tells what kind of host a hosted workstation has.
type HostWorkstationType string

// Values of HostWorkstationType.
const (
	HostWorkstationTypeMaster      HostWorkstationType = "MASTER"
	HostWorkstationTypeManager     HostWorkstationType = "MANAGER"
	HostWorkstationTypeWorkstation HostWorkstationType = "WORKSTATION"
)

// OperatingSystem is the operating system of a workstation.
type OperatingSystem string

// Values of OperatingSystem.
const (
	OperatingSystemWindows OperatingSystem = "WINDOWS"
	OperatingSystemUNIX    OperatingSystem = "UNIX"
	OperatingSystemLinux   OperatingSystem = "LINUX"
	OperatingSystemZOS     OperatingSystem = "ZOS"
	OperatingSystemAIX     OperatingSystem = "AIX"
	OperatingSystemHPUX    OperatingSystem = "HPUX"
	OperatingSystemSolaris OperatingSystem = "SOLARIS"
	OperatingSystemAS400   OperatingSystem = "AS400"
	OperatingSystemWeb     OperatingSystem = "WEB"
	OperatingSystemOther   OperatingSystem = "OTHER"
)

// SecurityLevel is the TLS level of a workstation.
type SecurityLevel string

// Values of SecurityLevel.
const (
	SecurityLevelNone         SecurityLevel = "NONE"
	SecurityLevelOn           SecurityLevel = "ON"
	SecurityLevelEnabled      SecurityLevel = "ENABLED"
	SecurityLevelForce        SecurityLevel = "FORCE"
	SecurityLevelHTTP         SecurityLevel = "HTTP"
	SecurityLevelHTTPS        SecurityLevel = "HTTPS"
	SecurityLevelForceEnabled SecurityLevel = "FORCE_ENABLED"
)

// PropertyType is the type of an output property.
type PropertyType string

// Values of PropertyType.
const (
	PropertyTypeString PropertyType = "STRING"
	PropertyTypeDate   PropertyType = "DATE"
)

// WorkloadBrokerAffinityType ties an ad hoc job to the agent of another job.
type WorkloadBrokerAffinityType string

// Values of WorkloadBrokerAffinityType.
const (
	WorkloadBrokerAffinityTypeNoAffinity WorkloadBrokerAffinityType = "NO_AFFINITY"
	WorkloadBrokerAffinityTypeTDWB       WorkloadBrokerAffinityType = "TDWB"
	WorkloadBrokerAffinityTypeTWS        WorkloadBrokerAffinityType = "TWS"
)

// LicenseType is the licence metric of an engine.
type LicenseType string

// Values of LicenseType.
const (
	LicenseTypePerServer LicenseType = "perServer"
	LicenseTypePerJob    LicenseType = "perJob"
)

// UserPermission is a right on a model object.
type UserPermission string

// Values of UserPermission.
const (
	UserPermissionAdd      UserPermission = "ADD"
	UserPermissionUse      UserPermission = "USE"
	UserPermissionModify   UserPermission = "MODIFY"
	UserPermissionDisplay  UserPermission = "DISPLAY"
	UserPermissionList     UserPermission = "LIST"
	UserPermissionDelete   UserPermission = "DELETE"
	UserPermissionSubmit   UserPermission = "SUBMIT"
	UserPermissionSubmitDB UserPermission = "SUBMITDB"
)

// ModelKind is the kind field of a model envelope. Path segments are a separate type: see ModelPath.
type ModelKind string

// Values of ModelKind.
const (
	ModelKindCalendar                    ModelKind = "Calendar"
	ModelKindFolder                      ModelKind = "Folder"
	ModelKindJobDefinition               ModelKind = "JobDefinition"
	ModelKindJobStream                   ModelKind = "JobStream"
	ModelKindEventSource                 ModelKind = "EventSource"
	ModelKindWorkstation                 ModelKind = "Workstation"
	ModelKindResource                    ModelKind = "Resource"
	ModelKindPrompt                      ModelKind = "Prompt"
	ModelKindVariable                    ModelKind = "Variable"
	ModelKindCredentials                 ModelKind = "Credentials"
	ModelKindDomain                      ModelKind = "Domain"
	ModelKindWorkstationClass            ModelKind = "WorkstationClass"
	ModelKindVariableTable               ModelKind = "VariableTable"
	ModelKindRunCycle                    ModelKind = "RunCycle"
	ModelKindExclusiveRunCycle           ModelKind = "ExclusiveRunCycle"
	ModelKindRunCycleGroup               ModelKind = "RunCycleGroup"
	ModelKindWorkloadApplicationTemplate ModelKind = "WorkloadApplicationTemplate"
	ModelKindSecurityRole                ModelKind = "SecurityRole"
	ModelKindACL                         ModelKind = "ACL"
	ModelKindApiKey                      ModelKind = "ApiKey"
	ModelKindPromptDependency            ModelKind = "PromptDependency"
	ModelKindInterNetworkDependency      ModelKind = "InterNetworkDependency"
	ModelKindFileDependency              ModelKind = "FileDependency"
	ModelKindResourceDependency          ModelKind = "ResourceDependency"
)

// ObjectType names a kind of plan object in self-description and folder counts.
type ObjectType string

// Values of ObjectType.
const (
	ObjectTypeJobInPlan         ObjectType = "JOB_IN_PLAN"
	ObjectTypeJobStreamInPlan   ObjectType = "JOBSTREAM_IN_PLAN"
	ObjectTypeWorkstationInPlan ObjectType = "WORKSTATION_IN_PLAN"
	ObjectTypeEventSource       ObjectType = "EVENTSOURCE"
	ObjectTypeResourceInPlan    ObjectType = "RESOURCE_IN_PLAN"
	ObjectTypePromptInPlan      ObjectType = "PROMPT_IN_PLAN"
)

// HTTPMethod is the method of an action in the engine's self-description.
type HTTPMethod string

// Values of HTTPMethod.
const (
	HTTPMethodGet    HTTPMethod = "GET"
	HTTPMethodPost   HTTPMethod = "POST"
	HTTPMethodPatch  HTTPMethod = "PATCH"
	HTTPMethodPut    HTTPMethod = "PUT"
	HTTPMethodDelete HTTPMethod = "DELETE"
)

// StatsPeriod is the grouping of licence counts.
type StatsPeriod string

// Values of StatsPeriod.
const (
	StatsPeriodDay   StatsPeriod = "day"
	StatsPeriodMonth StatsPeriod = "month"
)

// Integrity is the engine's verdict on its own licence counters.
type Integrity string

// Values of Integrity.
const (
	IntegrityOk               Integrity = "ok"
	IntegrityInvalidSignature Integrity = "invalidSignature"
	IntegrityInvalidChain     Integrity = "invalidChain"
)

// Scope limits what a list query fills in: it travels as the scope header.
type Scope string

// Values of Scope.
const (
	ScopeWhole                                  Scope = "WHOLE"
	ScopeWholeNoJobDefinitionsAndNoDependencies Scope = "WHOLE_NO_JOB_DEFINITIONS_AND_NO_DEPENDENCIES"
	ScopeWholeNoJobDefinitions                  Scope = "WHOLE_NO_JOB_DEFINITIONS"
	ScopeWholeNoDependencies                    Scope = "WHOLE_NO_DEPENDENCIES"
	ScopeSelfServiceCatalog                     Scope = "SELF_SERVICE_CATALOG"
)
